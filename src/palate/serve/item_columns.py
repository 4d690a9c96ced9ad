"""Attributes of live items in columns, and filters over whole columns at once.

Two million cars take some hundred megabytes so; a dictionary an item would take gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import Any, Final, Protocol

import numpy as np

from palate.pipeline.filter import Condition, number_of, seconds_of
from palate.types import AttributeKind, BoolArray, IntArray

__all__ = ["Column", "column_of"]

_LEAST: Final = 1024
_KEPT: Final = 64  # conditions whose answers by value are kept
_SPARE: Final = 1 << 16  # values that no row has any more, before they are let go


class Column(Protocol):
    """One attribute of all rows; a row that was never put has none."""

    def put(self, rows: IntArray, values: Sequence[Any]) -> None:
        """Replace (n,) values; None where there is none."""
        ...

    def values(self, rows: IntArray) -> list[Any]:
        """(n,) values; None where there is none, or the row is -1."""
        ...

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        """(n,) whether a condition on this attribute holds."""
        ...


def column_of(kind: AttributeKind) -> Column | None:
    """A column for an attribute; None for a kind that no filter reads."""
    match kind:
        case AttributeKind.CATEGORY | AttributeKind.CATEGORIES:
            return _Named()
        case AttributeKind.NUMBER:
            return _Ordered(number_of, lambda value: value)
        case AttributeKind.TIME:
            return _Ordered(seconds_of, lambda seconds: round(seconds * 1e6))
        case _:
            return None


class _Named:
    """Values that are the same or not: a code a row, each value kept once."""

    def __init__(self) -> None:
        self._codes = np.zeros(_LEAST, np.int32)  # 0: none
        self._clear()

    def _clear(self) -> None:
        self._values: list[Any] = [None]
        self._code_of: dict[Hashable, int] = {}
        self._passing: dict[Condition, list[bool]] = {}  # by code

    def put(self, rows: IntArray, values: Sequence[Any]) -> None:
        """Replace (n,) values."""
        self._codes = _long_enough(self._codes, rows, 0)
        self._codes[rows] = [0 if value is None else self._code(value) for value in values]
        if len(self._values) > 2 * len(self._codes) + _SPARE:
            self._tidy()

    def _code(self, value: Any) -> int:
        # 1, 1.0 and True are equal and hash alike, and are three values.
        name: Hashable = value if type(value) is str else (type(value), repr(value))
        code = self._code_of.get(name)
        if code is None:
            code = self._code_of[name] = len(self._values)
            self._values.append(value)
        return code

    def _tidy(self) -> None:
        """Let go of values that no row has any more."""
        used, codes = np.unique(self._codes, return_inverse=True)
        kept = [self._values[code] for code in used.tolist()]
        self._clear()
        fresh = [0 if value is None else self._code(value) for value in kept]
        self._codes = np.array(fresh, np.int32)[codes]

    def values(self, rows: IntArray) -> list[Any]:
        """(n,) values."""
        values = self._values
        return [values[code] for code in _at(self._codes, rows, 0).tolist()]

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        """(n,) by the answer for each value, which is found once."""
        passing = self._passing.setdefault(condition, [])
        for old in list(islice(self._passing, max(0, len(self._passing) - _KEPT))):
            del self._passing[old]
        name = condition.attribute
        new = self._values[len(passing) :]
        passing += [condition.holds({} if value is None else {name: value}) for value in new]
        holds: BoolArray = np.array(passing, np.bool_)[_at(self._codes, rows, 0)]
        return holds


class _Ordered:
    """Numbers: what cannot be read as one counts as none, as in a filter.

    Args:
        read: A value as float64, NaN for what is none.
        told: The value of a number.
    """

    def __init__(self, read: Callable[[Any], float], told: Callable[[float], Any]) -> None:
        self._read, self._told = read, told
        self._numbers = np.full(_LEAST, np.nan)

    def put(self, rows: IntArray, values: Sequence[Any]) -> None:
        """Replace (n,) values."""
        self._numbers = _long_enough(self._numbers, rows, np.nan)
        self._numbers[rows] = [np.nan if value is None else self._read(value) for value in values]

    def values(self, rows: IntArray) -> list[Any]:
        """(n,) values."""
        numbers = _at(self._numbers, rows, np.nan).tolist()
        return [None if number != number else self._told(number) for number in numbers]

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        """(n,) by comparing whole columns."""
        numbers = _at(self._numbers, rows, np.nan)
        holds = np.ones(len(numbers), np.bool_)
        for what, wanted in condition.asked:
            match what:
                case "min":
                    holds &= numbers >= wanted
                case "max":
                    holds &= numbers <= wanted
                case "any":
                    holds &= np.isin(numbers, list(wanted))  # type: ignore[call-overload]  # a set
                case "none":
                    holds &= ~np.isin(numbers, list(wanted))  # type: ignore[call-overload]  # a set
        return holds


def _long_enough(column: np.ndarray, rows: IntArray, nothing: float) -> np.ndarray:
    needed = int(rows.max(initial=-1)) + 1
    if needed <= len(column):
        return column
    longer = np.full(2 * needed, nothing, column.dtype)
    longer[: len(column)] = column
    return longer


def _at(column: np.ndarray, rows: IntArray, nothing: float) -> np.ndarray:
    """(n,) of a column; `nothing` for a row that it has not."""
    inside = (rows >= 0) & (rows < len(column))
    if inside.all():
        return column[rows]
    found = np.full(len(rows), nothing, column.dtype)
    found[inside] = column[rows[inside]]
    return found
