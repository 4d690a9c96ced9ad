"""Quality against cost: what each second of computing buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from palate.evaluate.report.axes import seconds, x_axis, y_axis
from palate.evaluate.report.svg import (
    Linear,
    Logarithmic,
    chart,
    element,
    log_ticks,
    nice_ticks,
    text,
)
from palate.stats import Interval

__all__ = ["CostPoint", "cost_chart", "frontier"]

WIDTH, HEIGHT = 920.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 24.0, 20.0, 56.0
LINE = 15.0  # height of a label
SHORTEST_S = 1e-4  # clocks and caches say nothing below that


@dataclass(frozen=True, slots=True)
class CostPoint:
    """One model: seconds to fit and recommend, and the main metric."""

    name: str
    cost_s: float
    quality: Interval


def frontier(points: Sequence[CostPoint]) -> list[CostPoint]:
    """The points that no other beats in both cost and quality, cheapest first."""
    kept: list[CostPoint] = []
    for point in sorted(points, key=lambda p: (p.cost_s, -p.quality.estimate)):
        if not kept or point.quality.estimate > kept[-1].quality.estimate:
            kept.append(point)
    return kept


def cost_chart(points: Sequence[CostPoint], metric: str) -> Markup:
    """Points with their intervals; a line through those worth their cost.

    Args:
        points: At least one.
        metric: Label of the vertical axis.
    """
    costs = [max(point.cost_s, SHORTEST_S) for point in points]
    x = Logarithmic(min(costs) / 1.6, max(costs) * 3.0, LEFT, WIDTH - RIGHT)
    low, high = min(p.quality.low for p in points), max(p.quality.high for p in points)
    room = (high - low) * 0.08 or 0.05
    y = Linear(low - room, high + room, HEIGHT - BOTTOM, TOP)
    ticks, rows = log_ticks(x.low, x.high), nice_ticks(y.low, y.high)
    best = frontier(points)
    return chart(
        WIDTH,
        HEIGHT,
        f"{metric} against seconds to fit and recommend; worth their cost: "
        + ", ".join(point.name for point in best),
        y_axis(y, rows, [f"{row:g}" for row in rows], LEFT, WIDTH - RIGHT),
        x_axis(x, ticks, [seconds(tick) for tick in ticks], TOP, HEIGHT - BOTTOM),
        text(LEFT, HEIGHT - 10, "seconds to fit and recommend, logarithmic", "axis"),
        text(LEFT, TOP - 6, metric, "axis"),
        _steps(best, x, y),
        *(_point(point, x, y, on_frontier=point in best) for point in points),
        *_labels(points, x, y),
    )


def _steps(points: Sequence[CostPoint], x: Logarithmic, y: Linear) -> Markup:
    """A staircase: at a given cost, the best quality that it can buy."""
    path = f"M{x(points[0].cost_s):.2f} {y(points[0].quality.estimate):.2f}"
    for point in points[1:]:
        path += f"H{x(point.cost_s):.2f}V{y(point.quality.estimate):.2f}"
    return element("path", {"d": f"{path}H{WIDTH - RIGHT:.2f}", "class": "frontier"})


def _point(point: CostPoint, x: Logarithmic, y: Linear, *, on_frontier: bool) -> Markup:
    quality = point.quality
    label = f"{point.name}: {quality.estimate:.4f} in {seconds(point.cost_s)}"
    across, low, high = x(point.cost_s), y(quality.low), y(quality.high)
    return element(
        "g",
        {"class": "point best" if on_frontier else "point"},
        element("title", {}, label),
        element("path", {"d": f"M{across:.2f} {low:.2f}V{high:.2f}", "class": "whisker"}),
        element("circle", {"cx": across, "cy": y(quality.estimate), "r": 5}),
    )


def _labels(points: Sequence[CostPoint], x: Logarithmic, y: Linear) -> list[Markup]:
    """Names beside their points, moved down where they would lie on another."""
    placed: list[tuple[float, float, float]] = []  # left, right, base line
    out = []
    for point in sorted(points, key=lambda p: y(p.quality.estimate)):
        left = x(point.cost_s) + 10
        right, base = left + 7.2 * len(point.name), y(point.quality.estimate) + 4
        for other_left, other_right, other in sorted(placed, key=lambda p: p[2]):
            if left < other_right and other_left < right and abs(base - other) < LINE:
                base = other + LINE
        placed.append((left, right, base))
        out.append(text(left, base, point.name, "name"))
    return out
