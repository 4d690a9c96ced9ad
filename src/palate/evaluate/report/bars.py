"""Leaderboard bars: the mean as a bar, its interval as a line across the tip."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from palate.evaluate.report.svg import Linear, chart, element
from palate.stats import Interval

__all__ = ["interval_bars"]

WIDTH, HEIGHT, PAD = 170.0, 24.0, 4.0
BAR, CAP = 12.0, 5.0  # thickness of the bar, half the height of an interval's cap


def interval_bars(names: Sequence[str], intervals: Sequence[Interval], label: str) -> list[Markup]:
    """One bar a model, all on one scale from zero (or from the lowest bound below it).

    Args:
        names: Of the models, for screen readers and tooltips.
        intervals: Their means.
        label: Of the metric.
    """
    low = min([0.0, *(i.low for i in intervals)])
    high = max([i.high for i in intervals], default=1.0)
    scale = Linear(low, high, PAD, WIDTH - PAD)
    return [
        _bar(f"{name}: {label} {_words(interval)}", interval, scale, best=at == 0)
        for at, (name, interval) in enumerate(zip(names, intervals, strict=True))
    ]


def _bar(label: str, interval: Interval, scale: Linear, *, best: bool) -> Markup:
    middle, zero = HEIGHT / 2, scale(0.0)
    low, mean, high = scale(interval.low), scale(interval.estimate), scale(interval.high)
    left, right = min(zero, mean), max(zero, mean)
    return chart(
        WIDTH,
        HEIGHT,
        label,
        element("title", {}, label),
        element(
            "rect",
            {
                "x": left,
                "y": middle - BAR / 2,
                "width": max(right - left, 0.5),
                "height": BAR,
                "rx": 2,
                "class": "bar best" if best else "bar",
            },
        ),
        element(
            "path",
            {
                "d": f"M{low:.2f} {middle}H{high:.2f}"
                f"M{low:.2f} {middle - CAP}v{2 * CAP}M{high:.2f} {middle - CAP}v{2 * CAP}",
                "class": "whisker",
            },
        ),
    )


def _words(interval: Interval) -> str:
    return (
        f"{interval.estimate:.4f}, {interval.level:.0%} interval "
        f"{interval.low:.4f} to {interval.high:.4f}"
    )
