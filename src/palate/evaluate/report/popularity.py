"""Popularity bias: whether recommendations come from the head of the catalogue or its tail."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from palate.evaluate.report.axes import y_axis
from palate.evaluate.report.svg import Linear, chart, element, nice_ticks, text
from palate.types import Float64Array, Int32Array, Int64Array

__all__ = ["group_shares", "popularity_chart", "popularity_groups", "share_by_group"]

GROUPS = 10
WIDTH, HEIGHT = 300.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 10.0, 30.0


def popularity_groups(train_counts: Int64Array) -> Int64Array:
    """(n_items,) int64: the group of each item, 0 for the most popular to 9.

    Ordered from the most popular item down, each group ends where another tenth of all
    training interactions is reached, so a few items make up the first and half the catalogue
    the last. (Tenths with equally many items would all but fit into the first.) An item
    belongs where the middle of its interactions falls; untouched items belong to the last.
    """
    order = np.argsort(-train_counts, kind="stable")
    ordered = train_counts[order]
    middle = np.cumsum(ordered) - ordered / 2
    groups = np.empty(len(train_counts), np.int64)
    share = middle / max(1, int(train_counts.sum()))
    groups[order] = np.where(ordered > 0, np.minimum(share * GROUPS, GROUPS - 1), GROUPS - 1)
    return groups


def group_shares(counts: Int64Array, groups: Int64Array) -> Float64Array:
    """(10,) float64: the part of `counts` (n_items,) in each group; zeros where all are zero."""
    by_group: Float64Array = np.bincount(groups, counts, minlength=GROUPS).astype(np.float64)
    return by_group / max(1.0, float(by_group.sum()))


def share_by_group(recommended: Int32Array, groups: Int64Array) -> Float64Array:
    """(10,) float64: the part of all recommended places in each group; -1 is no place."""
    shown = recommended[recommended >= 0]
    return group_shares(np.bincount(shown, minlength=len(groups)), groups)


def popularity_chart(
    name: str, shares: Float64Array, train: Float64Array, test: Float64Array, highest: float
) -> Markup:
    """Bars of one model; lines across them for the training and the test part.

    Args:
        name: Of the model.
        shares: (10,) of the recommendations.
        train: (10,) of the training interactions.
        test: (10,) of the test interactions.
        highest: Top of the scale, the same in all charts of a report.
    """
    y = Linear(0.0, highest, HEIGHT - BOTTOM, TOP)
    x = Linear(0.0, GROUPS, LEFT, WIDTH - RIGHT)
    rows = nice_ticks(0.0, highest, most=4)
    return chart(
        WIDTH,
        HEIGHT,
        f"{name}: {shares[:2].sum():.0%} of recommendations come from the two most popular "
        f"groups of items, {shares[-2:].sum():.0%} from the two least popular ones; the test "
        f"part has {test[:2].sum():.0%} and {test[-2:].sum():.0%}",
        y_axis(y, rows, [f"{row:.0%}" for row in rows], LEFT, WIDTH - RIGHT),
        *(_column(at, x, y, (shares[at], train[at], test[at])) for at in range(GROUPS)),
    )


def _column(at: int, x: Linear, y: Linear, values: tuple[float, float, float]) -> Markup:
    """One group: its share of the recommendations, of training and of test."""
    shown, train, test = values
    left, right = x(at), x(at + 1)
    label = f"Group {at + 1}: {shown:.1%} of recommendations, {train:.1%} of training, "
    return element(
        "g",
        {},
        element("title", {}, f"{label}{test:.1%} of test"),
        element(
            "rect",
            {
                "x": left + 3,
                "y": y(shown),
                "width": right - left - 6,
                "height": max(y(0.0) - y(shown), 0.0),
                "rx": 1.5,
                "class": "bar own",
            },
        ),
        _mark(left, right, y(train), "mark train"),
        _mark(left, right, y(test), "mark test"),
        text((left + right) / 2, HEIGHT - 10, str(at + 1), "tick", anchor="middle"),
    )


def _mark(left: float, right: float, at: float, css: str) -> Markup:
    return element("path", {"d": f"M{left:.2f} {at:.2f}H{right:.2f}", "class": css})
