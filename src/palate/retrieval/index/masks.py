"""Which items a search may find: marks that stand beside the rows and follow their items.

A mark is a byte a row. When an item gets a new row, it takes its marks along; when a row is
given up for good, its marks are wiped before another item may use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate.types import Int32Array

__all__ = ["Filter", "Mask"]


class Filter(Protocol):
    """What a search takes as `allowed`; made of masks by `&`, `|` and `~`."""

    def rows(self, n: int) -> NDArray[np.uint8]:
        """(n,) 1 for rows that may be found; called inside a search."""
        ...


class _Combinable(ABC):
    @abstractmethod
    def rows(self, n: int) -> NDArray[np.uint8]: ...

    def __and__(self, other: Filter) -> _Combined:
        return _Combined(np.bitwise_and, self, other)

    def __or__(self, other: Filter) -> _Combined:
        return _Combined(np.bitwise_or, self, other)

    def __invert__(self) -> _Inverted:
        return _Inverted(self)


class Mask(_Combinable):
    """Items that have something in common; made by `LocalIndex.mask`, which also changes it.

    An item that is deleted loses its mark, and one that is put again has none until it is added.
    """

    def __init__(self, n: int) -> None:
        self._marks = np.zeros(n, np.uint8)

    def rows(self, n: int) -> NDArray[np.uint8]:
        """(n,) 1 for rows of marked items; those that came since the last mark have 0."""
        marks = self._marks[:n]
        return marks if len(marks) == n else np.concatenate((marks, np.zeros(n - len(marks), "u1")))

    def mark(self, slots: Int32Array, value: int) -> None:
        """Set rows to 0 or 1; rows beyond the last so far come with 0."""
        if len(slots) and (needed := int(slots.max()) + 1) > len(self._marks):
            grown = np.zeros(needed + needed // 4, np.uint8)
            grown[: len(self._marks)] = self._marks
            self._marks = grown
        self._marks[slots] = value

    def follow(self, old: Int32Array, new: Int32Array) -> None:
        """Items moved from rows to other rows; -1 is an item that is new."""
        marked = new[(old >= 0) & (old < len(self._marks))]
        known = old[(old >= 0) & (old < len(self._marks))]
        self.mark(marked[self._marks[known] != 0], 1)


class _Combined(_Combinable):
    def __init__(self, how: np.ufunc, one: Filter, other: Filter) -> None:
        self._how, self._one, self._other = how, one, other

    def rows(self, n: int) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = self._how(self._one.rows(n), self._other.rows(n))
        return found


class _Inverted(_Combinable):
    def __init__(self, one: Filter) -> None:
        self._one = one

    def rows(self, n: int) -> NDArray[np.uint8]:
        return self._one.rows(n) ^ np.uint8(1)
