"""Cold splits: users, or items, that training never sees."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.split.base import Splitter
from palate.types import BoolArray, Int32Array

__all__ = ["ColdItem", "ColdUser"]


class ColdUser(Splitter):
    """All interactions of a random `test_ratio` of the users that have any."""

    name: Literal["cold_user"] = "cold_user"
    test_ratio: float = Field(default=0.25, gt=0, lt=1, description="Share of the users.")
    seed: int = 42

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        return _drawn_groups(dataset.user_rows, self.test_ratio, self.seed)


class ColdItem(Splitter):
    """All interactions with a random `test_ratio` of the items that have any."""

    name: Literal["cold_item"] = "cold_item"
    test_ratio: float = Field(default=0.25, gt=0, lt=1, description="Share of the items.")
    seed: int = 42

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        return _drawn_groups(dataset.item_rows, self.test_ratio, self.seed)


def _drawn_groups(groups: Int32Array, ratio: float, seed: int) -> BoolArray:
    present = np.unique(groups)
    n_test = round(len(present) * ratio)
    drawn = np.random.default_rng(seed).permutation(present)[:n_test]
    return np.isin(groups, drawn)
