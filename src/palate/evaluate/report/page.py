"""The report's page: what a comparison says, put into the template."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from palate.evaluate.comparison import Comparison
from palate.evaluate.report.activity import activity_bins, activity_charts, activity_curve
from palate.evaluate.report.board import board, failed
from palate.evaluate.report.cost import CostPoint, cost_chart
from palate.evaluate.report.differences import difference_matrix
from palate.evaluate.report.facts import beyond, configs, facts
from palate.evaluate.report.popularity import (
    group_shares,
    popularity_chart,
    popularity_groups,
    share_by_group,
)
from palate.evaluate.report.verdict import summary, verdict

__all__ = ["render_page"]


def render_page(comparison: Comparison) -> str:
    """The whole report as one HTML file.

    Every name in it is escaped; the content security policy allows no script, no request and
    no style but the one whose hash it states.
    """
    style = _templates().get_template("report.css").render()
    protocol = comparison.protocol
    context = {
        "title": f"{comparison.data.name}: {len(comparison.rows)} models compared",
        "style": Markup(style),  # ours, from the package
        "style_hash": f"sha256-{_sha256(style)}",
        "data": comparison.data,
        "k": protocol.k,
        "environment": comparison.environment,
        "started_at": f"{comparison.started_at:%Y-%m-%d %H:%M} UTC",
        "summary": summary(comparison),
        "verdict": verdict(comparison),
        "level": f"{protocol.level:.0%}",
        "facts": facts(comparison),
        "configs": configs(comparison),
        "main_label": protocol.label(protocol.main),
        "other_labels": [
            comparison.protocol.short_label(m) for m in comparison.protocol.metrics[1:]
        ],
        "board": board(comparison),
        "failed": failed(comparison),
        "names": [row.name for row, _ in comparison.judged],
        **_charts(comparison),
    }
    return _templates().get_template("report.html.j2").render(context)


def _charts(comparison: Comparison) -> dict[str, Any]:
    activity, size = _activity(comparison)
    columns, rows = beyond(comparison)
    several = len(comparison.judged) > 1
    return {
        "cost": _cost(comparison) if several else None,
        "activity": activity,
        "activity_size": size,
        "popularity": _popularity(comparison),
        "beyond_columns": columns,
        "beyond": rows,
        "matrix": difference_matrix(
            [row.name for row, _ in comparison.judged],
            comparison.pairs,
            level=comparison.protocol.level,
        )
        if several
        else None,
    }


def _cost(comparison: Comparison) -> Markup:
    main = comparison.protocol.main
    points = [
        CostPoint(row.name, (row.fit_s or 0.0) + judgement.recommend_s, judgement.intervals[main])
        for row, judgement in comparison.judged
    ]
    return cost_chart(points, comparison.protocol.label(main))


def _activity(comparison: Comparison) -> tuple[Sequence[tuple[str, Markup]], int]:
    """A chart a model and the users of a bin; none where all users are in one bin."""
    protocol = comparison.protocol
    bins = activity_bins(comparison.background.activity)
    if len(bins) < 2:
        return [], 0
    curves = {
        row.name: activity_curve(
            judgement.per_user[protocol.main],
            bins,
            level=protocol.level,
            rounds=protocol.rounds,
            seed=protocol.seed,
        )
        for row, judgement in comparison.judged
    }
    label = protocol.label(protocol.main)
    size = round(sum(int(b.members.sum()) for b in bins) / len(bins))
    return activity_charts(curves, [b.label for b in bins], label), size


def _popularity(comparison: Comparison) -> list[tuple[str, Markup]]:
    background = comparison.background
    groups = popularity_groups(background.train_counts)
    train = group_shares(background.train_counts, groups)
    test = group_shares(background.test_counts, groups)
    shares = {
        row.name: share_by_group(judgement.recommended, groups)
        for row, judgement in comparison.judged
    }
    highest = max([float(s.max()) for s in (train, test, *shares.values())], default=1.0) * 1.05
    return [
        (name, popularity_chart(name, each, train, test, highest)) for name, each in shares.items()
    ]


@cache
def _templates() -> Templates:
    return Templates(
        loader=PackageLoader("palate.evaluate.report"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _sha256(style: str) -> str:
    """As a content security policy writes it."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
