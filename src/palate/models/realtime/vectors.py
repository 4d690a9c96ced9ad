"""Vectors that come along with items, of images or texts, as ItemNet reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from palate.types import Float32Array

__all__ = ["column_vectors", "raw_vectors"]

LARGEST: Final = float(np.finfo(np.float32).max)
_LEAST: Final = 1e-12  # a shorter vector says nothing


def column_vectors(column: pl.Series, size: int) -> Float32Array:
    """(n, size + 1) float32 of a column of lists, as `Dataset.items_by_row` has it.

    Rows have length 1, then 0; or zeros, then 1, where there is no vector.

    Args:
        column: (n,) lists of `size` finite numbers, null where unknown.
        size: Of a vector.
    """
    there = column.is_not_null().to_numpy()
    given = column.drop_nulls().explode().to_numpy().astype(np.float32)
    return _read(given.reshape(-1, size), there)


def raw_vectors(values: Sequence[Any], size: int) -> Float32Array:
    """(n, size + 1) float32 of values as a log has them: what is no vector of `size` is missing."""
    read = [_numbers(value, size) for value in values]
    there = np.array([one is not None for one in read], np.bool_)
    given = [one for one in read if one is not None]
    return _read(np.array(given, np.float32).reshape(-1, size), there)


def _numbers(value: Any, size: int) -> Float32Array | None:
    if not isinstance(value, list | tuple) or len(value) != size:
        return None
    if not all(isinstance(one, int | float) and abs(one) < LARGEST for one in value):
        return None  # NaN is below nothing
    return np.array(value, np.float32)


def _read(given: Float32Array, there: np.ndarray) -> Float32Array:
    largest = np.abs(given).max(axis=1, keepdims=True, initial=0)
    scaled = given / np.maximum(largest, _LEAST)  # squares of large numbers would overflow
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    found = np.zeros((len(there), given.shape[1] + 1), np.float32)
    found[there, :-1] = scaled / np.maximum(lengths, _LEAST)
    found[:, -1] = 1
    found[np.flatnonzero(there)[lengths[:, 0] > 0], -1] = 0
    return found
