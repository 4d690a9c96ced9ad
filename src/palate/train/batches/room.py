"""Rows of a buffer or of a batch, as arrays in memory that is taken once and filled again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.types import Int64Array

__all__ = ["Arrays", "Room"]

Arrays = dict[str, NDArray[Any]]
"""Columns by name, (n, ...) each."""


class Room:
    """Columns of up to so many rows, filled part by part and picked from.

    A fresh buffer for every part of a table, and fresh arrays for every batch, are paged in anew
    each time, and what is freed comes back to the system in pieces or not at all: memory would
    grow with the table.

    Args:
        most: Rows that it holds at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._columns: Arrays = {}
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def fill(self, parts: Iterable[Mapping[str, NDArray[Any]]]) -> None:
        """Hold these rows and no others.

        Args:
            parts: Of the columns, dtypes and widths that the first part ever had.
        """
        self.clear()
        for part in parts:
            stop = self._n + len(next(iter(part.values())))
            for name, values in part.items():
                self._column(name, values)[self._n : stop] = values
            self._n = stop

    def clear(self) -> None:
        """Hold no rows."""
        self._n = 0

    def take(self, other: Room, wanted: Int64Array) -> None:
        """Hold besides the rows of these numbers of another room, in their order."""
        stop = self._n + len(wanted)
        for name, values in other.arrays().items():
            into = self._column(name, values)[self._n : stop]
            values.take(wanted, axis=0, out=into, mode="clip")  # with "raise" it makes a copy
        self._n = stop

    def arrays(self) -> Arrays:
        """The rows that it holds, as views."""
        return {name: column[: self._n] for name, column in self._columns.items()}

    def _column(self, name: str, like: NDArray[Any]) -> NDArray[Any]:
        if name not in self._columns:
            self._columns[name] = np.empty((self._most, *like.shape[1:]), like.dtype)
        return self._columns[name]
