"""The leaderboard's rows, ready for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from palate.evaluate.comparison import Comparison, Row
from palate.evaluate.judgement import Judgement
from palate.evaluate.report.axes import seconds
from palate.evaluate.report.bars import interval_bars
from palate.stats import Interval

__all__ = ["BoardRow", "Cell", "FailedRow", "board", "failed"]

UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure; `best` where no other model has a better one."""

    value: str
    title: str
    best: bool


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One model that was judged."""

    name: str
    model: str
    bar: Markup
    value: str
    interval: str
    others: Sequence[Cell]
    fit: str
    recommend: str
    memory: str


@dataclass(frozen=True, slots=True)
class FailedRow:
    """One model that was not, and why."""

    name: str
    error: str


def board(comparison: Comparison) -> list[BoardRow]:
    """The judged models, best first."""
    protocol, judged = comparison.protocol, comparison.judged
    names = [row.name for row, _ in judged]
    mains = [judgement.intervals[protocol.main] for _, judgement in judged]
    bars = interval_bars(names, mains, protocol.label(protocol.main))
    best = {
        metric: max((j.intervals[metric].estimate for _, j in judged), default=0.0)
        for metric in protocol.metrics
    }
    return [
        _row(row, judgement, bar, protocol.metrics, best)
        for (row, judgement), bar in zip(judged, bars, strict=True)
    ]


def failed(comparison: Comparison) -> list[FailedRow]:
    """The models that raised an error."""
    return [FailedRow(row.name, row.error or "") for row in comparison.rows if row.error]


def _row(
    row: Row, judgement: Judgement, bar: Markup, metrics: Sequence[str], best: dict[str, float]
) -> BoardRow:
    main, *others = metrics
    return BoardRow(
        name=row.name,
        model=row.model,
        bar=bar,
        value=f"{judgement.intervals[main].estimate:.4f}",
        interval=_span(judgement.intervals[main]),
        others=[
            Cell(
                f"{judgement.intervals[metric].estimate:.4f}",
                _span(judgement.intervals[metric]),
                judgement.intervals[metric].estimate >= best[metric],
            )
            for metric in others
        ],
        fit=UNKNOWN if row.fit_s is None else seconds(row.fit_s),
        recommend=seconds(judgement.recommend_s),
        memory=UNKNOWN if row.memory_mib is None else f"{row.memory_mib:.0f} MiB",
    )


def _span(interval: Interval) -> str:
    return f"{interval.low:.4f}\N{EN DASH}{interval.high:.4f}"
