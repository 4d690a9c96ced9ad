"""A comparison as a terminal table, Markdown, JSON and a frame."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.markup import escape
from rich.table import Table

from palate.evaluate.comparison import Comparison, Pair, Row
from palate.evaluate.judgement import Judgement
from palate.stats import Interval

__all__ = ["to_frame", "to_json", "to_markdown", "to_table"]

MOST_METRICS = 4  # of the protocol's, in a terminal; the report, JSON and frame have all
COSTS = ("Fit s", "Recommend s", "MiB", "p vs best")
UNKNOWN = "\N{EN DASH}"
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|!~"} | {"\n": " ", "\r": " "})


def to_frame(comparison: Comparison) -> pl.DataFrame:
    """One row a model: name, model, metrics with `_low` and `_high`, figures, costs, error."""
    rows = [_flat(row) for row in comparison.rows]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = {"name", "model", "error"}
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in columns},
        schema={name: pl.String if name in text else pl.Float64 for name in columns},
    )


def to_table(comparison: Comparison) -> Table:
    """The leaderboard for a terminal; names are shown as they are, never as markup."""
    protocol = comparison.protocol
    table = Table(title=escape(comparison.data.name), title_justify="left")
    for heading in ("Model", protocol.label(protocol.main), f"{protocol.level:.0%} interval"):
        table.add_column(heading, justify="left" if heading == "Model" else "right")
    shown = protocol.metrics[:MOST_METRICS]
    for metric in shown[1:]:
        table.add_column(protocol.label(metric), justify="right")
    for heading in COSTS:
        table.add_column(heading, justify="right")
    failures = []
    for row in comparison.rows:
        if row.judgement is None:
            table.add_row(escape(row.name), "[red]failed[/red]")
            failures.append(f"{row.name}: {row.error}")
        else:
            table.add_row(escape(row.name), *_cells(comparison, row, row.judgement, shown))
    if failures:
        table.caption, table.caption_justify = escape("\n".join(failures)), "left"
    return table


def to_markdown(comparison: Comparison) -> str:
    """The leaderboard as a Markdown table; special characters in names are escaped."""
    protocol = comparison.protocol
    headings = [
        "Model",
        protocol.label(protocol.main),
        f"{protocol.level:.0%} interval",
        *(protocol.label(metric) for metric in protocol.metrics[1:]),
        *COSTS,
    ]
    lines = [_line(headings), _line(["---", *["---:"] * (len(headings) - 1)])]
    for row in comparison.rows:
        name = row.name.translate(_SPECIAL)
        if row.judgement is None:
            failure = ["failed", (row.error or "").translate(_SPECIAL)]
            lines.append(_line([name, *failure, *[""] * (len(headings) - 3)]))
        else:
            lines.append(_line([name, *_cells(comparison, row, row.judgement, protocol.metrics)]))
    return "\n".join(lines) + "\n"


def to_json(comparison: Comparison) -> str:
    """All figures, the protocol, the data and the machine; NaN is null."""
    document = {
        "started_at": comparison.started_at.isoformat(),
        "protocol": comparison.protocol.model_dump(mode="json"),
        "protocol_hash": comparison.protocol.hash,
        "data": vars(comparison.data),
        "environment": comparison.environment.model_dump(mode="json"),
        "rows": [_row(row) for row in comparison.rows],
        "pairs": [_pair(pair) for pair in comparison.pairs],
    }
    return json.dumps(document, indent=2, allow_nan=False, default=str)


def _cells(
    comparison: Comparison, row: Row, judgement: Judgement, metrics: Sequence[str]
) -> list[str]:
    main = judgement.intervals[metrics[0]]
    return [
        f"{main.estimate:.4f}",
        f"{main.low:.4f}\N{EN DASH}{main.high:.4f}",
        *(f"{judgement.intervals[m].estimate:.4f}" for m in metrics[1:]),
        UNKNOWN if row.fit_s is None else f"{row.fit_s:.2f}",
        f"{judgement.recommend_s:.2f}",
        UNKNOWN if row.memory_mib is None else f"{row.memory_mib:.0f}",
        _against_best(comparison, row),
    ]


def _against_best(comparison: Comparison, row: Row) -> str:
    pair = comparison.pair(comparison.best.name, row.name)
    if pair is None:
        return ""  # the best itself
    return "<0.001" if pair.p_value < 0.001 else f"{pair.p_value:.3f}"


def _flat(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {"name": row.name, "model": row.model}
    if row.judgement is not None:
        for metric, interval in row.judgement.intervals.items():
            out[metric] = interval.estimate
            out[f"{metric}_low"], out[f"{metric}_high"] = interval.low, interval.high
        out |= row.judgement.figures
        out["recommend_s"] = row.judgement.recommend_s
    return out | {"fit_s": row.fit_s, "memory_mib": row.memory_mib, "error": row.error}


def _row(row: Row) -> dict[str, Any]:
    judgement = row.judgement
    out: dict[str, Any] = {
        "name": row.name,
        "model": row.model,
        "config": row.config,
        "fit_s": row.fit_s,
        "memory_mib": row.memory_mib,
        "error": row.error,
    }
    if judgement is not None:
        out |= {
            "metrics": {name: _interval(i) for name, i in judgement.intervals.items()},
            "figures": {name: _finite(value) for name, value in judgement.figures.items()},
            "recommend_s": judgement.recommend_s,
            "users": len(judgement.users),
            "empty_slates": judgement.empty_slates,
            "nan_scores": judgement.nan_scores,
        }
    return out


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "first": pair.first,
        "second": pair.second,
        "difference": _interval(pair.difference),
        "p_value": pair.p_value,
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
