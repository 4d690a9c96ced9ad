"""What the comparison says, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from palate.evaluate.comparison import Comparison, Row
from palate.evaluate.judgement import Judgement
from palate.evaluate.report.axes import seconds
from palate.evaluate.report.differences import p_words

__all__ = ["Verdict", "summary", "verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winner, its figure, and what is to be said about it."""

    name: str
    value: str
    interval: str
    sentences: Sequence[str]


def summary(comparison: Comparison) -> str:
    """What was done, in one paragraph."""
    data, protocol = comparison.data, comparison.protocol
    models = len(comparison.rows)
    seen = "items they had seen left out" if protocol.exclude_seen else "seen items allowed"
    return (
        f"{models} {'model' if models == 1 else 'models'} learned from {data.train_rows:,} "
        f"interactions and {'was' if models == 1 else 'were'} judged on {data.test_rows:,} others "
        f"that {'it' if models == 1 else 'they'} never saw: the top {protocol.k} of "
        f"{data.items:,} items for {len(comparison.background.activity):,} users, {seen}."
    )


def verdict(comparison: Comparison) -> Verdict | None:
    """None where every model failed."""
    if not comparison.judged:
        return None
    (row, judgement), *others = comparison.judged
    interval = judgement.intervals[comparison.protocol.main]
    sentences = [_lead(comparison, row, others), _price(comparison, row, judgement)]
    lost = [r.name for r in comparison.rows if r.error]
    if lost:
        sentences.append(f"Failed and not ranked: {', '.join(lost)}.")
    return Verdict(
        row.name,
        f"{interval.estimate:.4f}",
        f"{interval.level:.0%} interval {interval.low:.4f} to {interval.high:.4f}",
        [sentence for sentence in sentences if sentence],
    )


def _lead(comparison: Comparison, best: Row, others: Sequence[tuple[Row, Judgement]]) -> str:
    """How sure the first place is."""
    if not others:
        return "It was the only model to be judged, so there is nothing to set it against."
    second = others[0][0]
    pair = comparison.pair(best.name, second.name)
    assert pair is not None  # both were judged
    by = (
        f"{pair.difference.estimate:.4f} ({pair.difference.low:.4f} to {pair.difference.high:.4f}, "
        f"p {p_words(pair.p_value)})"
    )
    if pair.p_value < 1 - comparison.protocol.level:
        return f"It leads {second.name} by {by}: more than chance would give."
    tied = [
        row.name
        for row, _ in others
        if (p := comparison.pair(best.name, row.name)) is not None
        and p.p_value >= 1 - comparison.protocol.level
    ]
    return (
        f"It leads {second.name} by {by}, which chance could explain. "
        f"Not told apart from it: {', '.join(tied)}."
    )


def _price(comparison: Comparison, best: Row, judgement: Judgement) -> str:
    """What the first place costs."""
    if best.fit_s is None:
        return ""
    users = len(judgement.users)
    return (
        f"It took {seconds(best.fit_s)} to fit and {seconds(judgement.recommend_s)} to rank "
        f"{comparison.data.items:,} items for {users:,} users."
    )
