"""Ids of any integer or string type become small numbers, in native code."""

from __future__ import annotations

import numpy as np
import polars as pl

from palate.errors import DataError
from palate.types import Int64Array

__all__ = ["codes"]

SPREAD = 8  # a look-up table may have this many cells a row


def codes(known: pl.Series, other: pl.Series) -> tuple[Int64Array, Int64Array, int]:
    """Number the distinct ids of `known` from 0, and look those of `other` up.

    Integers that lie close together go through a table, everything else through a hash.

    >>> codes(pl.Series(["b", "a", "b"]), pl.Series(["a", "z"]))[1].tolist()[1]
    -1

    Args:
        known: (n,) integers or strings.
        other: (m,) of the same kind.

    Returns:
        (n,) int64 numbers, (m,) int64 with -1 for ids that `known` has not, and how many
        distinct ids there are.

    Raises:
        DataError: An id is null, neither integer nor string, or the two kinds differ.
    """
    left, right = _ids(known, "the truth"), _ids(other, "predictions")
    if left.dtype != right.dtype:
        raise DataError(
            f"column {known.name!r} is {known.dtype} in the truth and {other.dtype} in "
            "predictions; the same id would never be equal",
            hint="cast one of them",
        )
    if left.dtype == pl.Int64 and len(left):
        numbers = left.to_numpy()
        low = int(numbers.min())
        span = int(numbers.max()) - low + 1
        if span <= SPREAD * len(numbers) + 1024:
            return _by_table(numbers, right.to_numpy(), low, span)
    return _by_hash(left, right)


def _ids(series: pl.Series, what: str) -> pl.Series:
    if series.dtype.is_integer():
        ids = series.cast(pl.Int64, strict=False)
    elif series.dtype in (pl.String, pl.Categorical, pl.Enum):
        ids = series.cast(pl.String)
    else:
        raise DataError(
            f"column {series.name!r} of {what} is {series.dtype}; ids are strings or integers"
        )
    if ids.null_count():
        raise DataError(
            f"column {series.name!r} of {what} has {ids.null_count()} ids that are null or "
            "above 2^63 - 1"
        )
    return ids


def _by_table(
    left: Int64Array, right: Int64Array, low: int, span: int
) -> tuple[Int64Array, Int64Array, int]:
    table = np.full(span + 1, -1, np.int64)  # the last cell stands for everything unknown
    present = np.zeros(span, np.bool_)
    present[left - low] = True
    distinct = np.flatnonzero(present)
    table[distinct] = np.arange(len(distinct))
    inside = (right >= low) & (right < low + span)
    return table[left - low], table[np.where(inside, right - low, span)], len(distinct)


def _by_hash(left: pl.Series, right: pl.Series) -> tuple[Int64Array, Int64Array, int]:
    distinct = left.unique(maintain_order=True)  # sums are added in one order every time
    numbers = pl.Series(np.arange(len(distinct), dtype=np.int64))
    found = [
        np.asarray(
            side.replace_strict(distinct, numbers, default=-1, return_dtype=pl.Int64).to_numpy(),
            np.int64,
        )
        for side in (left, right)
    ]
    return found[0], found[1], len(distinct)
