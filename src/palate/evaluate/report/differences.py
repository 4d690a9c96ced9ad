"""Paired differences: every model against every other, on the same users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from palate.evaluate.comparison import Pair

__all__ = ["Cell", "difference_matrix"]

SHADES = 4
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Mean of the row's model minus the column's.

    Attributes:
        words: The difference with its sign, `+0.012`.
        detail: Interval and p-value, for the tooltip.
        css: Classes: `up` or `down` with a shade from 1 to 4, `unsure` where the corrected
            p-value does not reach the level.
    """

    words: str
    detail: str
    css: str


def difference_matrix(
    names: Sequence[str], pairs: Sequence[Pair], *, level: float
) -> list[list[Cell | None]]:
    """(n, n) cells in the order of `names`; None on the diagonal.

    Args:
        names: Models, best first.
        pairs: All of them, each once.
        level: A difference counts as real when its p-value is below 1 - level.
    """
    by_names = {(pair.first, pair.second): (pair, 1) for pair in pairs}
    by_names |= {(pair.second, pair.first): (pair, -1) for pair in pairs}
    largest = max((abs(pair.difference.estimate) for pair in pairs), default=0.0)
    return [
        [
            None if row == column else _cell(*by_names[row, column], largest, level)
            for column in names
        ]
        for row in names
    ]


def _cell(pair: Pair, sign: int, largest: float, level: float) -> Cell:
    estimate = sign * pair.difference.estimate
    low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
    first, second = (pair.first, pair.second) if sign > 0 else (pair.second, pair.first)
    shade = 1 + min(SHADES - 1, int(SHADES * abs(estimate) / largest)) if largest else 1
    css = f"{'up' if estimate > 0 else 'down'}{shade}" if estimate else "even"
    if pair.p_value >= 1 - level:
        css += " unsure"
    return Cell(
        signed(estimate),
        f"{first} minus {second}: {signed(low)} to {signed(high)}, p {p_words(pair.p_value)}",
        css,
    )


def signed(value: float) -> str:
    """Four decimals with a sign, none on zero.

    >>> signed(0.01234), signed(-0.00001)
    ('+0.0123', '0.0000')
    """
    words = f"{abs(value):.4f}"
    if float(words) == 0.0:
        return words
    return f"{'+' if value > 0 else MINUS}{words}"


def p_words(value: float) -> str:
    """A p-value as it is usually written.

    >>> p_words(0.0004), p_words(0.0312)
    ('< 0.001', '= 0.031')
    """
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
