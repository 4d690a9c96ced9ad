"""Recommended lists beside what was relevant: looked up once, read by every ranking metric."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from palate.errors import DataError
from palate.metrics.kernels.hits import hit_entries
from palate.metrics.relevant import Relevant
from palate.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["Ranking", "mean_of"]


class Ranking:
    """Lists of several users, judged against their relevant items.

    The laws of every metric that reads one:

    1. It gives one float64 a user; means and intervals come later.
    2. A user with relevant items and no list, or a short one, counts what is missing as misses.
    3. A user without relevant items is not part of the average: NaN, which `mean_of` skips.
    4. An item named twice in one list is a hit once; the repeat takes up its position.

    >>> recommended = np.array([[3, 5, 7], [1, 2, -1]], np.int32)
    >>> relevant = Relevant.from_pairs(np.array([0, 0, 1]), np.array([7, 3, 9]), n_users=2)
    >>> Ranking(recommended, relevant).hits.tolist()
    [[True, False, True], [False, False, False]]
    """

    def __init__(self, recommended: Int32Array, relevant: Relevant) -> None:
        """Take lists and truth of the same users.

        Args:
            recommended: (n_users, k) int32 item rows, best first; -1 where nothing is.
            relevant: The truth, over the same user and item rows.

        Raises:
            DataError: The two disagree about the number of users.
        """
        if recommended.ndim != 2 or len(recommended) != relevant.n_users:
            raise DataError(
                f"recommendations of shape {recommended.shape} do not go with the relevant "
                f"items of {relevant.n_users} users",
                hint="pass (n_users, k), with a row of -1 for a user without any",
            )
        self.recommended = np.ascontiguousarray(recommended, np.int32)
        self.relevant = relevant

    @property
    def n_users(self) -> int:
        """Number of users, those without relevant items included."""
        return len(self.recommended)

    @cached_property
    def entries(self) -> Int64Array:
        """(n_users, k) int64, entry of `relevant.items` that each position hits, or -1."""
        found: Int64Array = hit_entries(self.recommended, self.relevant.indptr, self.relevant.items)
        return found

    @cached_property
    def hits(self) -> BoolArray:
        """(n_users, k) bool, whether each position holds a relevant item."""
        return self.entries >= 0

    @cached_property
    def n_relevant(self) -> Int64Array:
        """(n_users,) int64."""
        return self.relevant.counts

    @cached_property
    def judged(self) -> BoolArray:
        """(n_users,) bool, whether a user has relevant items and so is part of the average."""
        return self.n_relevant > 0

    def hits_at(self, k: int) -> BoolArray:
        """(n_users, min(k, width)) bool, the hits among the first `k` positions.

        Raises:
            DataError: k is below 1.
        """
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        return self.hits[:, :k]

    def over_judged(self, values: Float64Array) -> Float64Array:
        """`values` (n_users,) with NaN for users who are not part of the average."""
        return np.where(self.judged, values, np.nan)

    def per_relevant(self, sums: Float64Array) -> Float64Array:
        """(n_users,) float64, `sums` over the number of relevant items; NaN where none is."""
        return self.over_judged(sums / np.maximum(self.n_relevant, 1))


def mean_of(values: Float64Array) -> float:
    """The mean over users who are part of the average; NaN when nobody is.

    >>> mean_of(np.array([1.0, 0.0, np.nan]))
    0.5
    """
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else float("nan")
