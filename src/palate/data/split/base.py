"""What every splitter is: a frozen spec, and a function from a dataset to two parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from palate import columns as c
from palate.data.dataset import Dataset, epoch_us
from palate.errors import DataError
from palate.types import BoolArray, Int32Array, Int64Array

__all__ = ["Split", "Splitter", "held_out", "known_times", "places", "sizes"]


@dataclass(frozen=True, slots=True)
class Split:
    """Two parts that share no interaction, over the same vocabularies.

    Attributes:
        train: What models may learn from.
        test: What they are judged on. For validation split `train` again.
    """

    train: Dataset
    test: Dataset


class Splitter(BaseModel, ABC):
    """Base of all splits: every interaction lands in exactly one part, rows keep their order.

    A spec is data: it is written into the record of a run, and equal specs (the seed is a
    field) split equal datasets equally.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def test_mask(self, dataset: Dataset) -> BoolArray:
        """(n,) bool by row of `dataset.interactions`: True where it goes to test."""

    def split(self, dataset: Dataset) -> Split:
        """Cut `dataset` in two.

        Raises:
            DataError: A part would be empty, or the times that the split needs are missing.
        """
        mask = self.test_mask(dataset)
        n_test = int(mask.sum())
        if n_test in (0, len(mask)):
            part = "test" if n_test == 0 else "train"
            raise DataError(
                f"{self!r} leaves nothing in {part} of {len(mask)} interactions",
                hint="change the ratio, choose another split, or bring more data",
            )
        chosen = pl.Series(mask)
        return Split(
            dataset.with_interactions(dataset.interactions.filter(~chosen)),
            dataset.with_interactions(dataset.interactions.filter(chosen)),
        )


def known_times(dataset: Dataset, *, why: str) -> Int64Array:
    """(n,) int64 microseconds since 1970 UTC.

    Raises:
        DataError: An interaction has none; names the first such row.
    """
    unknown = dataset.interactions[c.TIMESTAMP].is_null()
    if unknown.any():
        raise DataError(
            f"{why} needs every timestamp; row {unknown.arg_true()[0] + 1} has none"
            + (f", nor have {unknown.sum() - 1} more" if unknown.sum() > 1 else ""),
            hint="name the timestamp column, or split without time: random, stratified",
        )
    return epoch_us(dataset.interactions)


def sizes(groups: Int32Array, n_groups: int) -> Int64Array:
    """(n_groups,) int64, members of each group; `groups` is (n,) rows."""
    return np.bincount(groups, minlength=n_groups)


def places(groups: Int32Array, keys: Int64Array | np.ndarray, counts: Int64Array) -> Int64Array:
    """(n,) int64, each row's place from 0 among its group by ascending key; ties by row.

    Args:
        groups: (n,) group of each row.
        keys: (n,) what to order by.
        counts: `sizes` of the groups.
    """
    order = np.lexsort((keys, groups))
    starts = np.cumsum(counts) - counts
    out = np.empty(len(groups), np.int64)
    out[order] = np.arange(len(groups)) - np.repeat(starts, counts)
    return out


def held_out(counts: Int64Array, ratio: float) -> Int64Array:
    """(n_groups,) int64, how many of each group go to test.

    `ratio` of the group, rounded half to even; at least one stays in train.
    """
    wanted: Int64Array = np.minimum(
        np.rint(counts * ratio).astype(np.int64), np.maximum(counts - 1, 0)
    )
    return wanted
