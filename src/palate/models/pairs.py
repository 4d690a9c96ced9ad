"""Distinct (user, item) pairs of histories, seen from both sides: what item models learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array

from palate.data.histories import Histories
from palate.models.kernels.pairs import pair_sums
from palate.types import Float64Array, Int32Array, Int64Array

__all__ = ["Pairs", "distinct_items", "positive_pairs"]

Side: TypeAlias = tuple[Int64Array, Int32Array, Float64Array]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A sparse (n_users, n_items) matrix X, by user and by item.

    Attributes:
        by_user: indptr (n_users + 1,) int64, items (nnz,) int32, weights (nnz,) float64.
        by_item: indptr (n_items + 1,) int64, users (nnz,) int32, weights (nnz,) float64.
    """

    by_user: Side
    by_item: Side

    @classmethod
    def of(
        cls, indptr: Int64Array, items: Int32Array, weights: Float64Array, n_items: int
    ) -> Pairs:
        """From rows of users without repeats; arrays as in `by_user`."""
        rows = csr_array((weights, items, indptr), shape=(len(indptr) - 1, n_items)).tocsc()
        by_item = (rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data)
        return cls((indptr, items, weights), by_item)

    @classmethod
    def counted(cls, histories: Histories) -> Pairs:
        """Weight 1 for every pair, whatever its events are worth."""
        first, _ = _sums(histories)
        indptr, items = _kept(histories, first)
        return cls.of(indptr, items, np.ones(len(items)), histories.n_items)

    @classmethod
    def positive(cls, histories: Histories, *, binary: bool) -> Pairs:
        """Pairs whose events add up to more than 0, with that sum or (`binary`) with 1."""
        first, sums = _sums(histories)
        keep = first & (sums > 0)
        indptr, items = _kept(histories, keep)
        weights = np.ones(len(items)) if binary else sums[keep]
        return cls.of(indptr, items, weights, histories.n_items)

    @property
    def n_items(self) -> int:
        """Number of columns of X."""
        return len(self.by_item[0]) - 1

    @property
    def n_users(self) -> int:
        """Number of rows of X."""
        return len(self.by_user[0]) - 1

    @property
    def nnz(self) -> int:
        """Number of pairs."""
        return len(self.by_user[1])

    def item_counts(self) -> Int64Array:
        """(n_items,) int64 users of each item."""
        return np.diff(self.by_item[0])

    def norms(self) -> Float64Array:
        """(n_items,) float64 Euclidean norms of the columns."""
        indptr, _, weights = self.by_item
        items = np.repeat(np.arange(self.n_items), np.diff(indptr))
        return np.sqrt(np.bincount(items, weights * weights, minlength=self.n_items))


def distinct_items(histories: Histories) -> Int32Array:
    """The item of every distinct pair, (n_pairs,) int32."""
    first, _ = _sums(histories)
    items: Int32Array = histories.items[first]
    return items


def positive_pairs(histories: Histories, *, binary: bool) -> Float64Array:
    """(len(histories),) float64: a pair's positive sum (or 1) on its first entry, else 0."""
    _, sums = _sums(histories)
    return (sums > 0).astype(np.float64) if binary else np.maximum(sums, 0.0)


def _sums(histories: Histories) -> tuple[np.ndarray, Float64Array]:
    first, sums = pair_sums(histories.indptr, histories.items, histories.values, histories.n_items)
    return first, sums


def _kept(histories: Histories, keep: np.ndarray) -> tuple[Int64Array, Int32Array]:
    """The `indptr` and items of the entries in `keep`, (n,) bool."""
    before = np.concatenate(([0], np.cumsum(keep)))
    return before[histories.indptr].astype(np.int64), histories.items[keep]
