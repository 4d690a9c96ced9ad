"""What each user did, as row numbers in one compact structure: what models read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from palate.types import BoolArray, Float32Array, Int32Array, Int64Array

__all__ = ["Histories"]


@dataclass(frozen=True, slots=True)
class Histories:
    """Events of many users in compressed rows, oldest first within a user.

    An item may stand more than once in a row; `matrix` adds repeats up.

    Attributes:
        indptr: (n_users + 1,) int64; user `u` owns entries `indptr[u]:indptr[u + 1]`.
        items: (n,) int32 rows of the item vocabulary.
        values: (n,) float32, weight of the event type times its value where that counts.
        timestamps: (n,) int64 microseconds since 1970 UTC; -1 where unknown.
        n_items: Size of the item vocabulary.
        versions: (n,) int32, where items changed meanwhile: what each was just then, as a row of
            `Dataset.item_versions` behind the `n_items` rows of items as they are known last.
    """

    indptr: Int64Array
    items: Int32Array
    values: Float32Array
    timestamps: Int64Array
    n_items: int
    versions: Int32Array | None = None

    @property
    def n_users(self) -> int:
        """Number of users, those without events included."""
        return len(self.indptr) - 1

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def empty(cls, n_users: int, n_items: int) -> Histories:
        """`n_users` users who did nothing."""
        return cls(
            np.zeros(n_users + 1, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
            np.empty(0, np.int64),
            n_items,
        )

    @classmethod
    def from_entries(
        cls,
        users: Int32Array,
        items: Int32Array,
        values: Float32Array,
        timestamps: Int64Array,
        *,
        n_users: int,
        n_items: int,
        versions: Int32Array | None = None,
    ) -> Histories:
        """Group unordered entries, (n,) each, by user and time; ties keep their order."""
        order = _by_user_and_time(users, timestamps)
        counts = np.bincount(users, minlength=n_users)
        indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return cls(
            indptr,
            np.ascontiguousarray(items[order], np.int32),
            np.ascontiguousarray(values[order], np.float32),
            np.ascontiguousarray(timestamps[order], np.int64),
            n_items,
            None if versions is None else np.ascontiguousarray(versions[order], np.int32),
        )

    def select(self, users: Int64Array | Int32Array) -> Histories:
        """The histories of `users` (rows), in that order; -1 gives an empty one."""
        if not self.n_users:
            return Histories.empty(len(users), self.n_items)
        known = users >= 0
        safe = np.where(known, users, 0)
        starts = self.indptr[safe]
        lengths = np.where(known, self.indptr[safe + 1] - starts, 0)
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        entries = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return self.entries(indptr, entries)

    def entries(self, indptr: Int64Array, chosen: Int64Array | BoolArray) -> Histories:
        """Some of the entries, as other users' histories.

        Args:
            indptr: (m + 1,) int64, whose they are, as in the attribute.
            chosen: Places of the entries in their new order, or (n,) bool of those that stay.
        """
        return Histories(
            indptr,
            self.items[chosen],
            self.values[chosen],
            self.timestamps[chosen],
            self.n_items,
            None if self.versions is None else self.versions[chosen],
        )

    def slice(self, start: int, stop: int) -> Histories:
        """Users `start` to `stop`, without copying entries."""
        a, b = self.indptr[start], self.indptr[stop]
        return Histories(
            self.indptr[start : stop + 1] - a,
            self.items[a:b],
            self.values[a:b],
            self.timestamps[a:b],
            self.n_items,
            None if self.versions is None else self.versions[a:b],
        )

    def as_known_last(self) -> Histories:
        """The same with every item as it is known last, whatever it was when it was dealt with."""
        return self if self.versions is None else replace(self, versions=None)

    def users(self) -> Int32Array:
        """(n,) int32, the user row of each entry."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))

    def matrix(self, *, binary: bool = False) -> csr_array:
        """(n_users, n_items) float32, repeats added up; `binary` writes 1 for every pair."""
        shape = (self.n_users, self.n_items)
        matrix = csr_array((self.values, self.items, self.indptr), shape=shape, copy=True)
        matrix.sum_duplicates()
        if binary:
            matrix.data = np.ones_like(matrix.data)
        return matrix

    def item_counts(self) -> Int64Array:
        """(n_items,) int64, how many distinct users touched each item."""
        return np.bincount(self.matrix(binary=True).indices, minlength=self.n_items)


def _by_user_and_time(users: Int32Array, timestamps: Int64Array) -> Int64Array:
    """(n,) int64, the stable order by user, then time; -1, an unknown time, is the oldest."""
    order = _radix(np.arange(len(users)), users.astype(np.int64))
    # A log is in order of time already, so a second key is rarely worth its sort.
    user, time = users[order], timestamps[order]
    if not ((time[1:] < time[:-1]) & (user[1:] == user[:-1])).any():
        return order
    by_time = _radix(np.arange(len(users)), timestamps - timestamps.min())
    return _radix(by_time, users.astype(np.int64))


def _radix(order: Int64Array, key: Int64Array) -> Int64Array:
    """`order` sorted stably by `key` (n,), which is not negative.

    numpy sorts 16 bits stably by counting, in linear time, and 64 bits by comparing.
    """
    for shift in range(0, int(key.max(initial=0)).bit_length(), 16):
        digit = ((key >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order
