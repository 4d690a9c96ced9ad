"""Rows of a table as numbers: what models read, whatever kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palate.errors import DataError
from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["Block", "Encoded", "joined"]


@dataclass(frozen=True, slots=True)
class Block:
    """One field of n rows.

    Attributes:
        indices: (m,) int32 rows of the field, from 0.
        lengths: (n,) int64 entries of each row; None where every row has exactly one.
        weights: (m,) float32; None for 1 each.
        numbers: (n,) float32 the standardised number, NaN where missing; None for categories.
    """

    indices: Int32Array
    lengths: Int64Array | None = None
    weights: Float32Array | None = None
    numbers: Float32Array | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """n rows of f fields in compressed form, the fields of a row in their order.

    Attributes:
        indptr: (n + 1,) int64; row r owns entries `indptr[r]:indptr[r + 1]`.
        indices: (m,) int32, row of the one table that all fields share.
        weights: (m,) float32; x_i of the factorisation machine.
        numbers: (n, f_numbers) float32, standardised, NaN where missing: the dense block.
        offsets: (f + 1,) int64; field j owns the table's rows `offsets[j]:offsets[j + 1]`.
    """

    indptr: Int64Array
    indices: Int32Array
    weights: Float32Array
    numbers: Float32Array
    offsets: Int64Array

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def n_fields(self) -> int:
        """Number of fields."""
        return len(self.offsets) - 1

    @property
    def n_features(self) -> int:
        """Rows of the shared table: above every index."""
        return int(self.offsets[-1])

    def fields(self) -> Int32Array:
        """(m,) int32, the field of each entry."""
        found = np.searchsorted(self.offsets, self.indices, side="right") - 1
        return found.astype(np.int32)

    def rows(self) -> Int64Array:
        """(m,) int64, the row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def take(self, rows: Int64Array) -> Encoded:
        """The rows in `rows`, (n,) from 0, in that order."""
        starts, lengths = self.indptr[rows], np.diff(self.indptr)[rows]
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        entries = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Encoded(
            indptr,
            self.indices[entries],
            self.weights[entries],
            self.numbers[rows],
            self.offsets,
        )


def joined(blocks: Sequence[Block], sizes: Sequence[int], n: int) -> Encoded:
    """Fields side by side.

    Args:
        blocks: f of them, over the same n rows.
        sizes: Rows of the table that each field owns.
        n: Rows.
    """
    offsets = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    if offsets[-1] > np.iinfo(np.int32).max:
        raise DataError(
            f"the columns have {offsets[-1]} rows together, above 2^31",
            hint="hash the largest ones into fewer buckets, or raise their min_count",
        )
    lengths = np.zeros(n, np.int64)
    for block in blocks:
        lengths += 1 if block.lengths is None else block.lengths
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    indices = np.empty(indptr[-1], np.int32)
    weights = np.ones(indptr[-1], np.float32)
    place = indptr[:-1].copy()  # where the next field of each row begins
    for block, offset in zip(blocks, offsets, strict=False):
        if block.lengths is None:
            at = place.copy()
            place += 1
        else:
            before = np.cumsum(block.lengths) - block.lengths
            at = np.repeat(place - before, block.lengths) + np.arange(len(block.indices))
            place += block.lengths
        indices[at] = block.indices + np.int32(offset)
        if block.weights is not None:
            weights[at] = block.weights
    numbers = [block.numbers for block in blocks if block.numbers is not None]
    dense = np.column_stack(numbers) if numbers else np.empty((n, 0), np.float32)
    return Encoded(indptr, indices, weights, np.ascontiguousarray(dense), offsets)
