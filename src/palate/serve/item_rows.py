"""Rows of live items: by id, and in the order in which they last changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from palate.retrieval.index.names import Names, named
from palate.types import Int32Array, Int64Array

__all__ = ["ItemRows"]

_LEAST: Final = 1024
_FIRST: Final = 64  # rows looked at in one go, newest first
_CHUNK: Final = 16_384  # at most
_GONE: Final = -1


class ItemRows:
    """Each live item has a row, and a turn: the last to change has the highest.

    Rows of items that are gone are given to others. One thread changes it and reads it.
    """

    def __init__(self) -> None:
        self._names = Names()
        self._turns = np.full(_LEAST, _GONE, np.int64)  # by row, its place in `_order`
        self._order = np.empty(_LEAST, np.int32)  # rows as they changed; most stand there once
        self._taken = 0  # of `_order`
        self._free: list[int] = []
        self._n_rows = 0

    def __len__(self) -> int:
        """Live items."""
        return len(self._names)

    @property
    def n_rows(self) -> int:
        """Rows, those given up included."""
        return self._n_rows

    def find(self, ids: Sequence[str]) -> Int32Array:
        """(n,) int32 rows; -1 for what is not live."""
        return self._names.find(ids)

    def named(self, rows: Int32Array) -> list[str]:
        """The ids of live rows."""
        return named(rows, self._names.arrays)

    def put(self, ids: Sequence[str]) -> Int32Array:
        """(n,) int32 rows of items, none twice, that changed in this order; new ones get one."""
        rows = self.find(ids)
        fresh = np.flatnonzero(rows < 0)
        if len(fresh):
            rows[fresh] = self._new_rows(len(fresh))
            self._names.put([ids[at] for at in fresh.tolist()], rows[fresh], self._n_rows)
        self._stamp(rows)
        return rows

    def remove(self, ids: Sequence[str]) -> Int32Array:
        """The rows that they had; ids that are not live change nothing."""
        rows = self._names.remove(ids)
        self._turns[rows] = _GONE
        self._free += rows.tolist()
        return rows

    def arrange(self, turns: Int64Array) -> None:
        """Order all rows anew: (n_rows,) int64, higher is newer; what is gone stays gone."""
        live = self.live()
        self._taken = 0
        self._stamp(live[np.argsort(turns[live], kind="stable")])

    def live(self) -> Int32Array:
        """Rows of live items, rising."""
        return np.flatnonzero(self._turns[: self._n_rows] != _GONE).astype(np.int32)

    def newest(self) -> Iterator[Int32Array]:
        """Rows of live items, those that changed last first; most callers want but a few."""
        end, wanted = self._taken, _FIRST
        while end > 0:
            places = np.arange(max(0, end - wanted), end)[::-1]
            rows = self._order[places]
            yield rows[self._turns[rows] == places]
            end, wanted = end - wanted, min(4 * wanted, _CHUNK)

    def _new_rows(self, n: int) -> Int32Array:
        again = [self._free.pop() for _ in range(min(n, len(self._free)))]
        first = self._n_rows
        self._n_rows += n - len(again)
        if self._n_rows > len(self._turns):
            more = np.full(2 * self._n_rows, _GONE, np.int64)
            more[:first] = self._turns[:first]
            self._turns = more
        return np.concatenate((again, np.arange(first, self._n_rows))).astype(np.int32)

    def _stamp(self, rows: Int32Array) -> None:
        """These are the last to have changed, in this order."""
        if self._taken + len(rows) > len(self._order):
            self._make_room(len(rows))
        places = np.arange(self._taken, self._taken + len(rows))
        self._order[places] = rows
        self._turns[rows] = places
        self._taken += len(rows)

    def _make_room(self, n: int) -> None:
        """Forget places of rows that have changed since, and double what is left."""
        old = self._order[: self._taken]
        kept = old[self._turns[old] == np.arange(self._taken)]
        self._order = np.empty(2 * (len(kept) + n), np.int32)
        self._order[: len(kept)] = kept
        self._turns[kept] = np.arange(len(kept))
        self._taken = len(kept)
