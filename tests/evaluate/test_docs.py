"""The examples of docs/evaluation.md run, in order."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"


def test_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(DOCS), "exec"), names)  # ours, from the repository
    assert names["comparison"].best.name == "ease"  # type: ignore[attr-defined]
    assert len(names["runs"].recent(10)) == 2  # type: ignore[attr-defined]
