"""The metric by how much is known of a user: who is served well, and who is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from palate.evaluate.report.axes import y_axis
from palate.evaluate.report.svg import Linear, chart, element, nice_ticks, text
from palate.stats import Interval, bootstrap_mean
from palate.types import BoolArray, Float64Array, Int64Array

__all__ = ["ActivityBin", "activity_bins", "activity_charts", "activity_curve"]

BINS = 5
WIDTH, HEIGHT = 300.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 10.0, 30.0


@dataclass(frozen=True, slots=True)
class ActivityBin:
    """Users with between `low` and `high` training interactions.

    Attributes:
        members: (n_users,) bool.
    """

    low: int
    high: int
    members: BoolArray

    @property
    def label(self) -> str:
        """The range in words.

        >>> ActivityBin(3, 3, np.ones(1, np.bool_)).label
        '3'
        """
        return f"{self.low}" if self.low == self.high else f"{self.low}\N{EN DASH}{self.high}"


def activity_bins(activity: Int64Array, *, most: int = BINS) -> list[ActivityBin]:
    """Bins with about equally many users; fewer than `most` where many users are alike.

    Args:
        activity: (n_users,) int64 training interactions of each judged user.
        most: Bins at most.
    """
    if activity.size == 0:
        return []
    upper = np.unique(np.quantile(activity, np.arange(1, most + 1) / most, method="lower"))
    which = np.searchsorted(upper, activity)  # the upper end belongs to its bin
    bins = (which == at for at in range(len(upper)))
    return [
        ActivityBin(int(activity[members].min()), int(activity[members].max()), members)
        for members in bins
        if members.any()
    ]


def activity_curve(
    values: Float64Array,
    bins: Sequence[ActivityBin],
    *,
    level: float,
    rounds: int,
    seed: int,
) -> list[Interval | None]:
    """The mean of `values` in each bin; None where no user of a bin is in the average.

    Args:
        values: (n_users,) float64, NaN for users outside the average.
        bins: Of the same users.
        level: Of the intervals.
        rounds: Of the bootstrap.
        seed: Of the bootstrap.
    """
    curve: list[Interval | None] = []
    for each in bins:
        inside = values[each.members]
        counted = inside[~np.isnan(inside)]
        curve.append(
            bootstrap_mean(counted, level=level, rounds=rounds, seed=seed) if counted.size else None
        )
    return curve


def activity_charts(
    curves: Mapping[str, Sequence[Interval | None]], labels: Sequence[str], metric: str
) -> list[tuple[str, Markup]]:
    """One small chart a model, on one scale, the other models in grey behind it.

    Args:
        curves: For each model one interval a bin.
        labels: Of the bins.
        metric: For screen readers.
    """
    drawn = [point for curve in curves.values() for point in curve if point is not None]
    high = max((point.high for point in drawn), default=1.0)
    y = Linear(min([0.0, *(p.low for p in drawn)]), high * 1.05, HEIGHT - BOTTOM, TOP)
    x = Linear(0, max(1, len(labels) - 1), LEFT + 18, WIDTH - RIGHT - 18)
    rows = nice_ticks(y.low, y.high, most=4)
    frame = Markup("").join(
        [
            y_axis(y, rows, [f"{row:g}" for row in rows], LEFT, WIDTH - RIGHT),
            *(
                text(x(at), HEIGHT - 10, label, "tick", anchor="middle")
                for at, label in enumerate(labels)
            ),
            *(_line(curve, x, y, "line other") for curve in curves.values()),
        ]
    )
    return [
        (
            name,
            chart(
                WIDTH,
                HEIGHT,
                f"{name}: {metric} by training interactions: {_words(labels, curve)}",
                frame,
                _band(curve, x, y),
                _line(curve, x, y, "line"),
                *_dots(curve, labels, x, y),
            ),
        )
        for name, curve in curves.items()
    ]


def _line(curve: Sequence[Interval | None], x: Linear, y: Linear, css: str) -> Markup:
    points = [f"{x(at):.2f} {y(p.estimate):.2f}" for at, p in enumerate(curve) if p is not None]
    return element("path", {"d": "M" + "L".join(points) if points else "M0 0", "class": css})


def _band(curve: Sequence[Interval | None], x: Linear, y: Linear) -> Markup:
    known = [(x(at), point) for at, point in enumerate(curve) if point is not None]
    upper = [f"{across:.2f} {y(point.high):.2f}" for across, point in known]
    lower = [f"{across:.2f} {y(point.low):.2f}" for across, point in reversed(known)]
    corners = "L".join([*upper, *lower])
    return element("path", {"d": f"M{corners}Z" if known else "M0 0", "class": "band"})


def _dots(
    curve: Sequence[Interval | None], labels: Sequence[str], x: Linear, y: Linear
) -> list[Markup]:
    return [
        element(
            "circle",
            {"cx": x(at), "cy": y(point.estimate), "r": 3.5, "class": "dot"},
            element(
                "title",
                {},
                f"{labels[at]} interactions: {point.estimate:.4f} "
                f"({point.low:.4f} to {point.high:.4f})",
            ),
        )
        for at, point in enumerate(curve)
        if point is not None
    ]


def _words(labels: Sequence[str], curve: Sequence[Interval | None]) -> str:
    return ", ".join(
        f"{label}: {point.estimate:.3f}"
        for label, point in zip(labels, curve, strict=True)
        if point is not None
    )
