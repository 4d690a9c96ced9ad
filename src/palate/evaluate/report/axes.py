"""Axes and grid lines that the charts share."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from palate.evaluate.report.svg import Linear, Logarithmic, element, text

__all__ = ["seconds", "x_axis", "y_axis"]

GAP = 8.0  # between an axis and its numbers


def y_axis(
    scale: Linear, ticks: Sequence[float], labels: Sequence[str], left: float, right: float
) -> Markup:
    """Horizontal grid lines from `left` to `right` with their labels on the left."""
    return Markup("").join(
        element(
            "g",
            {},
            element(
                "path",
                {"d": f"M{left:.2f} {scale(tick):.2f}H{right:.2f}", "class": "grid"},
            ),
            text(left - GAP, scale(tick) + 4, label, "tick", anchor="end"),
        )
        for tick, label in zip(ticks, labels, strict=True)
    )


def x_axis(
    scale: Linear | Logarithmic,
    ticks: Sequence[float],
    labels: Sequence[str],
    top: float,
    bottom: float,
) -> Markup:
    """Vertical grid lines from `top` to `bottom` with their labels underneath."""
    return Markup("").join(
        element(
            "g",
            {},
            element(
                "path",
                {"d": f"M{scale(tick):.2f} {top:.2f}V{bottom:.2f}", "class": "grid"},
            ),
            text(scale(tick), bottom + 2 * GAP + 2, label, "tick", anchor="middle"),
        )
        for tick, label in zip(ticks, labels, strict=True)
    )


def seconds(value: float) -> str:
    """A duration in the unit that suits it.

    >>> [seconds(v) for v in (0.0042, 0.01, 0.31, 2.5, 75, 7300)]
    ['4.2 ms', '10 ms', '310 ms', '2.5 s', '75 s', '2.0 h']
    """
    if value < 0.00995:
        return f"{value * 1e3:.1f} ms"
    if value < 0.9995:
        return f"{value * 1e3:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 3600 else f"{value / 3600:.1f} h"
