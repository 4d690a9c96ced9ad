"""Random split: each interaction by itself."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.split.base import Splitter
from palate.types import BoolArray

__all__ = ["Random"]


class Random(Splitter):
    """`round(test_ratio * n)` interactions, drawn without regard to user, item or time.

    Some users may be wholly in one part; `Stratified` avoids that.
    """

    name: Literal["random"] = "random"
    test_ratio: float = Field(default=0.25, gt=0, lt=1, description="Share of the rows.")
    seed: int = 42

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        n = len(dataset)
        mask = np.zeros(n, np.bool_)
        drawn = np.random.default_rng(self.seed).permutation(n)
        mask[drawn[: round(n * self.test_ratio)]] = True
        return mask
