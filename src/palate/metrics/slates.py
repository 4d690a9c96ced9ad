"""Recommended lists beside what was known before: read by every metric beyond accuracy."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from palate.data.histories import Histories
from palate.errors import DataError
from palate.metrics.ranking import Ranking
from palate.metrics.similarity import ItemSimilarity
from palate.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["Slates"]


class Slates:
    """Lists of several users, with their training histories and the items' popularity.

    The laws of every metric that reads one:

    1. All users count, whether or not they have relevant items in the test part.
    2. Where more is better, a user without a list gives 0; where less is better such a user
       is not part of the average (NaN), since 0 would be a prize for showing nothing.
    3. Lists are taken as shown: an item named twice was shown twice.
    """

    def __init__(
        self,
        recommended: Int32Array,
        histories: Histories,
        *,
        popularity: Int64Array | None = None,
        similarity: ItemSimilarity | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        """Take lists and training histories of the same users.

        Args:
            recommended: (n_users, k) int32 item rows, best first; -1 where nothing is.
            histories: What the same users did in the training part; its `n_items` is the size
                of the catalogue.
            popularity: (n_items,) users per item in all of the training part; by default in
                `histories`, which is right only when they are all of it.
            similarity: How alike items are; needed by diversity and serendipity.
            ranking: The same lists beside the truth; with it serendipity counts hits alone.

        Raises:
            DataError: The parts disagree about users or items.
        """
        if recommended.ndim != 2 or len(recommended) != histories.n_users:
            raise DataError(
                f"recommendations of shape {recommended.shape} do not go with the histories of "
                f"{histories.n_users} users",
                hint="select the histories of the users that were recommended to",
            )
        if histories.n_items < 1:
            raise DataError("the catalogue is empty, so there is nothing to recommend")
        if recommended.size and recommended.max() >= histories.n_items:
            raise DataError(f"a recommended row is not among the {histories.n_items} items")
        if ranking is not None and not np.array_equal(ranking.recommended, recommended):
            raise DataError("the ranking holds other lists than the slates")
        counts = histories.item_counts() if popularity is None else popularity
        if counts.shape != (histories.n_items,):
            raise DataError(f"popularity is {counts.shape}; the catalogue has {histories.n_items}")
        self.recommended = np.ascontiguousarray(recommended, np.int32)
        self.histories = histories
        self.popularity = np.asarray(counts, np.int64)
        self.ranking = ranking
        self._similarity = similarity

    @property
    def n_users(self) -> int:
        """Number of users, those without a list included."""
        return len(self.recommended)

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return self.histories.n_items

    @property
    def similarity(self) -> ItemSimilarity:
        """How alike items are.

        Raises:
            DataError: None was given.
        """
        if self._similarity is None:
            raise DataError(
                "this metric needs to know how alike items are",
                hint="pass similarity=Cosine.of_cooccurrence(train) or Cosine(item_features)",
            )
        return self._similarity

    @cached_property
    def seen(self) -> tuple[Int64Array, Int32Array]:
        """(n_users + 1,) int64 and (n,) int32: distinct items of each user's history."""
        matrix = self.histories.matrix(binary=True)
        return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)

    def shown(self, k: int) -> Int32Array:
        """(n_users, min(k, width)) int32, the first `k` places.

        Raises:
            DataError: k is below 1.
        """
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        return self.recommended[:, :k]

    def exposure(self, k: int) -> Int64Array:
        """(n_items,) int64, how often each item stands among the first `k` of a list."""
        shown = self.shown(k)
        return np.bincount(shown[shown >= 0], minlength=self.n_items)

    def mean_shown(self, values: Float64Array, k: int, *, empty: float) -> Float64Array:
        """(n_users,) float64, the mean of `values` over the places that hold an item.

        Args:
            values: (n_users, min(k, width)) float64; those of empty places are ignored.
            k: Places.
            empty: What a user without a list gives.
        """
        filled: BoolArray = self.shown(k) >= 0
        count = filled.sum(axis=1)
        total = np.where(filled, values, 0.0).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), empty)
