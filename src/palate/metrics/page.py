"""The documentation page of all metrics, made from their docstrings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from palate.metrics.registry import METRICS, Family

__all__ = ["page"]

FAMILIES: Final = {
    Family.RANKING: (
        "Ranking",
        (
            "Called with a `Ranking` and k; one value a user, `mean_of` them is the metric. A user "
            "without predictions counts zero, a user without relevant items is not part of the "
            "average, an item named twice is a hit once, and a NaN score never ranks."
        ),
    ),
    Family.SLATES: (
        "Beyond accuracy, by user",
        (
            "Called with `Slates` and k; one value a user. A user without a list counts zero where "
            "more is better, and is left out where less is."
        ),
    ),
    Family.CATALOGUE: (
        "Beyond accuracy, over the catalogue",
        "Called with `Slates` and k; one value in all.",
    ),
    Family.RATING: ("Rating", "Called with true and predicted ratings; one value in all."),
    Family.SCORES: (
        "Scores",
        "Called with labels of 0 and 1 and scores; one value in all. `gauc` takes users first.",
    ),
}

INTRODUCTION: Final = """\
# Metrics

Each metric is one file in `palate.metrics`, found by name: `ndcg@10` in settings and on the
command line is `palate.metrics.parse("ndcg@10")`. Intervals and paired tests over per-user
values are in `palate.stats`. `ranking_metrics` and `rating_metrics` take pandas, polars or
Arrow frames and give the means.

This page is made from the docstrings by `python -m palate.metrics.page docs/metrics.md`; the
examples in it run as tests.
"""


def page() -> str:
    """The page as Markdown: a table of all metrics, then a section each."""
    parts = [INTRODUCTION, _table()]
    for family, (title, rules) in FAMILIES.items():
        parts.append(f"## {title}\n\n{rules}\n")
        parts.extend(
            f"### {name}\n\n{_body(metric.function.__module__)}\n"
            for name, metric in METRICS.items()
            if metric.family is family
        )
    return "\n".join(parts)


def _table() -> str:
    rows = ["| metric | family | better | in a line |", "|---|---|---|---|"]
    for name, metric in METRICS.items():
        at_k = "@k" if metric.at_k else ""
        better = "higher" if metric.higher_is_better else "lower"
        rows.append(
            f"| [`{name}{at_k}`](#{name}) | {metric.family} | {better} | {metric.description} |"
        )
    return "\n".join(rows) + "\n"


def _body(module: str) -> str:
    """The module's docstring with its examples fenced as code."""
    lines: list[str] = []
    inside = False
    for line in (sys.modules[module].__doc__ or "").strip().splitlines():
        if line.startswith(">>>") and not inside:
            lines.append("```python")
            inside = True
        elif not line and inside:
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
