"""docs/retrieval.md: its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from palate.retrieval.index import Metric

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "retrieval.md").read_text()


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, "retrieval.md", "exec"), scope)
    assert scope["hits"].ids[0] == "car7"
    assert "car0" not in scope["hits"].ids
    assert {int(one[3:]) for one in scope["some"].ids} <= set(range(2_502, 5_000, 3))
    assert len(scope["some"].ids) == 3
    assert set(scope["near"].ids) < {"car1", "car2", "car3", "car4"}


def test_every_metric_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [one.value for one in Metric]
