"""K-fold cross-validation: every interaction is in exactly one fold's test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from palate.data.dataset import Dataset
from palate.data.split.base import Split, Splitter
from palate.types import BoolArray

__all__ = ["KFold"]


class KFold(Splitter):
    """Random folds of equal size, give or take one row."""

    name: Literal["kfold"] = "kfold"
    folds: int = Field(default=5, ge=2, description="How many.")
    fold: int = Field(default=0, ge=0, description="Which one `split` gives; `splits` gives all.")
    seed: int = 42

    @model_validator(mode="after")
    def _fold_exists(self) -> KFold:
        if self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}; {self.folds} folds count from 0")
        return self

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        lots = np.random.default_rng(self.seed).permutation(len(dataset))
        mask: BoolArray = lots % self.folds == self.fold
        return mask

    def splits(self, dataset: Dataset) -> Iterator[Split]:
        """All folds in turn, made when asked for."""
        for fold in range(self.folds):
            yield self.model_copy(update={"fold": fold}).split(dataset)
