"""docs/columns.md: its example runs, its table names every setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from palate.features.columns import ColumnSpec

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "columns.md").read_text()


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, "columns.md", "exec"), scope)
    assert scope["chances"].shape == (200,)
    assert scope["chances"][0] > 0.5 > scope["chances"][1]


def test_every_setting_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(ColumnSpec.model_fields)
