"""A split that somebody else made: a table that says which pairs are the test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from narwhals.typing import IntoDataFrame
from pydantic import Field

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.frames import to_polars
from palate.data.read import read_table
from palate.data.split.base import Split, Splitter
from palate.errors import DataError
from palate.types import BoolArray

__all__ = ["Given", "split_given"]


class Given(Splitter):
    """The rows that a file marks, by user_id and item_id, as in a published benchmark."""

    name: Literal["given"] = "given"
    path: Path = Field(description="CSV, Parquet or JSON Lines with user_id, item_id, `column`.")
    column: str = Field(default="is_test", description="Boolean: True for the test.")

    def test_mask(self, dataset: Dataset) -> BoolArray:
        """See `Splitter.test_mask`."""
        return _mask(dataset, read_table(self.path), self.column)


def split_given(dataset: Dataset, marks: IntoDataFrame, *, column: str = "is_test") -> Split:
    """Split by a table with user_id, item_id and a boolean `column`.

    Raises:
        DataError: A column is missing or not boolean, a pair stands twice, or an interaction
            of `dataset` is not in the table.
    """
    mask = pl.Series(_mask(dataset, to_polars(marks), column))
    return Split(
        dataset.with_interactions(dataset.interactions.filter(~mask)),
        dataset.with_interactions(dataset.interactions.filter(mask)),
    )


def _mask(dataset: Dataset, marks: pl.DataFrame, column: str) -> BoolArray:
    needed = [c.USER_ID, c.ITEM_ID, column]
    missing = [name for name in needed if name not in marks.columns]
    if missing:
        raise DataError(f"the split's table lacks {missing}; it has {marks.columns}")
    flag = _flags(marks[column])
    keys = marks.select(pl.col(c.USER_ID, c.ITEM_ID).cast(pl.String)).with_columns(flag)
    if keys.select(c.USER_ID, c.ITEM_ID).is_duplicated().any():
        raise DataError("the split's table names a (user_id, item_id) pair twice")
    rows = dataset.interactions.select(c.USER_ID, c.ITEM_ID).with_row_index("row")
    found = rows.join(keys, on=[c.USER_ID, c.ITEM_ID], how="left").sort("row")[column]
    if found.null_count():
        row = found.is_null().arg_true()[0]
        raise DataError(
            f"the split's table says nothing of {dataset.interactions.row(row)[:2]} "
            f"and {found.null_count() - 1} more interactions",
            hint="it must name every (user_id, item_id) pair of the dataset",
        )
    return found.to_numpy().astype(bool)


def _flags(series: pl.Series) -> pl.Series:
    """Booleans, also where a text file spells them true, false, 1, 0."""
    if series.dtype == pl.String:
        spelled = {"true": True, "1": True, "false": False, "0": False}
        flags = series.str.to_lowercase().replace_strict(
            spelled, default=None, return_dtype=pl.Boolean
        )
    elif series.dtype == pl.Boolean or series.dtype.is_integer():
        flags = series.cast(pl.Boolean)
    else:
        flags = pl.Series(series.name, [None] * series.len(), pl.Boolean)
    if flags.null_count():
        row = flags.is_null().arg_true()[0]
        raise DataError(
            f"column {series.name!r} holds {series[row]!r} in row {row + 1}, no boolean"
        )
    return flags
