"""Stratified split: the same share of every user's (or item's) interactions."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.split.base import Splitter, held_out, places, sizes
from palate.types import BoolArray

__all__ = ["Stratified"]


class Stratified(Splitter):
    """A random `test_ratio` of each user's interactions, or of each item's.

    Every user (or item) keeps at least one interaction in train; the number in test is the
    ratio of theirs, rounded half to even.
    """

    name: Literal["stratified"] = "stratified"
    test_ratio: float = Field(default=0.25, gt=0, lt=1, description="Share of each group's rows.")
    by: Literal["user", "item"] = "user"
    seed: int = 42

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        by_user = self.by == "user"
        groups = dataset.user_rows if by_user else dataset.item_rows
        counts = sizes(groups, dataset.n_users if by_user else dataset.n_items)
        lots = np.random.default_rng(self.seed).random(len(groups))
        return places(groups, lots, counts) < held_out(counts, self.test_ratio)[groups]
