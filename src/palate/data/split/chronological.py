"""Chronological split: the newest share of every user's interactions is the test."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.split.base import Splitter, held_out, known_times, places, sizes
from palate.types import BoolArray

__all__ = ["Chronological"]


class Chronological(Splitter):
    """Each user's newest `test_ratio` of interactions; equal times keep order of arrival.

    Within a user, train is never newer than test; across users it may be: `GlobalTime`
    forbids that too. Every user keeps at least one interaction in train.
    """

    name: Literal["chronological"] = "chronological"
    test_ratio: float = Field(default=0.25, gt=0, lt=1, description="Share of each user's rows.")

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        times = known_times(dataset, why="a chronological split")
        counts = sizes(dataset.user_rows, dataset.n_users)
        kept = counts - held_out(counts, self.test_ratio)
        return places(dataset.user_rows, times, counts) >= kept[dataset.user_rows]
