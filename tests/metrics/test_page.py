"""The documentation page holds every metric and is not out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from palate.metrics import METRICS
from palate.metrics.page import page

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


@pytest.mark.parametrize("name", sorted(METRICS))
def test_each_metric_has_a_heading(name: str) -> None:
    assert f"\n### {name}\n" in DOCS.read_text(encoding="utf-8")


def test_the_page_is_what_the_docstrings_say() -> None:
    fresh = DOCS.read_text(encoding="utf-8") == page()
    assert fresh, "run: python -m palate.metrics.page docs/metrics.md"


def test_examples_are_fenced() -> None:
    text = page()
    assert text.count("```python\n>>> ") == text.count("```python") >= len(METRICS)
    assert text.count("```") == 2 * text.count("```python")
