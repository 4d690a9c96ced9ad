"""docs/data.md: its examples run, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from palate.data.sources import names, source
from palate.data.split import split_names

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()


def test_the_examples_run_in_order() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > 5
    space: dict[str, Any] = {}
    for block in blocks:
        exec(block, space)


def test_every_split_has_its_row() -> None:
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
    assert {*split_names(), "given"} <= rows


def test_every_public_set_has_its_figures() -> None:
    for name in names():
        size = source(name).size
        assert size is not None
        figures = f"| {size.n_events:,} | {size.n_users:,} | {size.n_items:,} |"
        assert f"| `{name}` {figures}" in PAGE
