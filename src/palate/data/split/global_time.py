"""Global time split: everything from one instant on is the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np
from pydantic import Field, model_validator

from palate.data.dataset import Dataset
from palate.data.split.base import Splitter, known_times
from palate.types import BoolArray, Int64Array

__all__ = ["GlobalTime"]

DEFAULT_RATIO: Final = 0.25
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class GlobalTime(Splitter):
    """Train on what happened before a cut, test on what happened at it or after.

    The only split here that no model can see the future in. Users and items that appear
    after the cut are new to the model, as in production.
    """

    name: Literal["global_time"] = "global_time"
    test_ratio: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the newest rows; rows of one instant stay together, so the test "
        "may be larger. 0.25 where neither this nor `cut` is given.",
    )
    cut: datetime | None = Field(default=None, description="The instant; UTC where it has no zone.")

    @model_validator(mode="after")
    def _one_of_both(self) -> GlobalTime:
        if self.cut is not None and self.test_ratio is not None:
            raise ValueError("give cut or test_ratio, not both")
        return self

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        times = known_times(dataset, why="a split by global time")
        mask: BoolArray = times >= self._cut_us(times)
        return mask

    def _cut_us(self, times: Int64Array) -> int:
        if self.cut is not None:
            zoned = self.cut if self.cut.tzinfo else self.cut.replace(tzinfo=UTC)
            return (zoned - EPOCH) // timedelta(microseconds=1)
        ratio = DEFAULT_RATIO if self.test_ratio is None else self.test_ratio
        first = min(len(times) - round(len(times) * ratio), len(times) - 1)
        return int(np.partition(times, first)[first])
