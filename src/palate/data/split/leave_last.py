"""Leave-one-out and leave-last-n: each user's newest interactions are the test."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from palate import columns as c
from palate.data.dataset import Dataset, epoch_us
from palate.data.split.base import Splitter, known_times, places, sizes
from palate.types import BoolArray, Int64Array

__all__ = ["LeaveLastN", "LeaveOneOut"]


class LeaveOneOut(Splitter):
    """Each user's newest interaction; users with only one stay in train.

    Where no interaction has a time, the newest is the last to arrive.
    """

    name: Literal["leave_one_out"] = "leave_one_out"

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        return _newest(dataset, 1)


class LeaveLastN(Splitter):
    """Each user's newest `n` interactions; users with `n` or fewer stay in train whole."""

    name: Literal["leave_last_n"] = "leave_last_n"
    n: int = Field(default=5, ge=1, description="Interactions of each user.")

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        return _newest(dataset, self.n)


def _newest(dataset: Dataset, n: int) -> BoolArray:
    users = dataset.user_rows
    counts = sizes(users, dataset.n_users)
    kept = (counts - n)[users]
    return (places(users, _order(dataset), counts) >= kept) & (kept > 0)


def _order(dataset: Dataset) -> Int64Array:
    if dataset.interactions[c.TIMESTAMP].null_count() == len(dataset):
        return epoch_us(dataset.interactions)  # all equal: order of arrival decides
    return known_times(dataset, why="leaving the last out")
