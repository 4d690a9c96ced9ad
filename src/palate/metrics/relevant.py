"""Which items are right for each user: the truth that a ranking is judged against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palate.data.histories import Histories
from palate.errors import DataError
from palate.types import Float32Array, FloatArray, Int32Array, Int64Array

__all__ = ["Relevant"]


@dataclass(frozen=True, slots=True)
class Relevant:
    """The distinct relevant items of many users in compressed rows.

    Attributes:
        indptr: (n_users + 1,) int64; user `u` owns entries `indptr[u]:indptr[u + 1]`.
        items: (n,) int32 rows of the item vocabulary, ascending and distinct within a user.
        grades: (n,) float32, how relevant each is, or None where all are alike.

    >>> relevant = Relevant.from_pairs(np.array([0, 0, 2]), np.array([7, 3, 7]), n_users=3)
    >>> relevant.indptr.tolist(), relevant.items.tolist()
    ([0, 2, 2, 3], [3, 7, 7])
    """

    indptr: Int64Array
    items: Int32Array
    grades: Float32Array | None = None

    @property
    def n_users(self) -> int:
        """Number of users, those with nothing relevant included."""
        return len(self.indptr) - 1

    @property
    def counts(self) -> Int64Array:
        """(n_users,) int64, relevant items of each user."""
        return np.diff(self.indptr)

    @classmethod
    def from_histories(cls, histories: Histories, *, min_value: float | None = None) -> Relevant:
        """What users did in the test part, graded by the value of each entry.

        Args:
            histories: Test interactions; the largest value of a repeated item is its grade.
            min_value: Leave out entries below it, a rating under 4 say; by default every
                item that a user touched is relevant.

        Raises:
            DataError: A value is NaN.
        """
        users, items, values = histories.users(), histories.items, histories.values
        if min_value is not None:
            keep = values >= min_value
            users, items, values = users[keep], items[keep], values[keep]
        return cls.from_pairs(users, items, values, n_users=histories.n_users)

    @classmethod
    def from_pairs(
        cls,
        users: Int64Array | Int32Array,
        items: Int64Array | Int32Array,
        grades: FloatArray | None = None,
        *,
        n_users: int,
    ) -> Relevant:
        """Group unordered pairs; of a repeated pair the largest grade counts.

        Args:
            users: (n,) rows from 0 to n_users - 1.
            items: (n,) rows from 0.
            grades: (n,) float.
            n_users: Users in all, those without a pair included.

        Raises:
            DataError: A row is out of range or a grade is NaN.
        """
        if not len(users):
            nothing = None if grades is None else np.empty(0, np.float32)
            return cls(np.zeros(n_users + 1, np.int64), np.empty(0, np.int32), nothing)
        if users.min() < 0 or users.max() >= n_users or items.min() < 0:
            raise DataError(f"a user row is outside 0 to {n_users - 1} or an item row below 0")
        # One sortable number a pair; 2 million users times 2 million items fit with ease.
        width = int(items.max()) + 1
        keys = users.astype(np.int64) * width + items
        if grades is None:
            kept_grades = None
            if (keys[1:] < keys[:-1]).any():
                keys.sort()
            keys = keys[np.concatenate((keys[1:] != keys[:-1], [True]))]
        else:
            if np.isnan(grades).any():
                raise DataError(f"{int(np.isnan(grades).sum())} grades of relevance are NaN")
            order = np.lexsort((grades, keys))
            last = np.concatenate((np.diff(keys[order]) != 0, [True]))
            keys, kept_grades = keys[order][last], grades[order][last].astype(np.float32)
        rows = keys // width
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=n_users))))
        return cls(indptr.astype(np.int64), (keys - rows * width).astype(np.int32), kept_grades)
