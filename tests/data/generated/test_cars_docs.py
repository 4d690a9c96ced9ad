"""docs/cars.md: its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cars.md").read_text()


def test_the_examples_run_in_order() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > 5
    space: dict[str, Any] = {}
    for block in blocks:
        exec(block, space)
