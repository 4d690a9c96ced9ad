"""Encoded rows as the tensors of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from palate.features.columns import Encoded
from palate.models.click_rows import Part
from palate.train.batches import ArrayBatches, Batch
from palate.types import Int64Array

__all__ = ["ClickRows"]


class ClickRows:
    """Rows that batches are made of.

    A batch is labels (n,), numbers (n, max(d, 1)) and the entries: where every field of all
    rows has one of weight 1, (n, f) indices; else indices (m,), weights (m,) and starts
    (n * f,), where each field's entries begin. Entries of further fields come last. Whole
    numbers are int64, all else is float32.

    Args:
        part: Rows and labels.
        extra: Further entries of the same rows.
    """

    def __init__(self, part: Part, extra: Encoded | None = None) -> None:
        rows = part.rows
        self.labels = part.labels
        self._entries = [_entries(one) for one in (rows, extra) if one is not None]
        numbers = np.nan_to_num(rows.numbers, nan=0.0)  # missing: the mean
        self._numbers = numbers if numbers.shape[1] else np.zeros((len(rows), 1), np.float32)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batch_size: int, seed: int) -> ArrayBatches:
        """For training: shuffled anew every epoch."""
        return ArrayBatches(
            (self.labels, self._numbers),
            batch_size=batch_size,
            seed=seed,
            prepare=lambda rows, _: self.batch(rows),
        )

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """For judging: all rows as they stand."""
        for start in range(0, len(self), batch_size):
            yield self.batch(np.arange(start, min(start + batch_size, len(self))))

    def batch(self, rows: Int64Array) -> Batch:
        """The batch of (n,) row numbers."""
        parts = [torch.from_numpy(self.labels[rows]), torch.from_numpy(self._numbers[rows])]
        for entries in self._entries:
            parts += entries.of(rows)
        return tuple(parts)


class _Singles:
    """An entry of weight 1 a field: categories of one value."""

    def __init__(self, rows: Encoded) -> None:
        self._indices = rows.indices.reshape(len(rows), rows.n_fields)

    def of(self, rows: Int64Array) -> Batch:
        return (torch.from_numpy(self._indices[rows].astype(np.int64)),)


class _Several:
    """Entries of any number and weight."""

    def __init__(self, rows: Encoded, lengths: Int64Array) -> None:
        self._rows, self._lengths = rows, lengths

    def of(self, rows: Int64Array) -> Batch:
        taken, counts = self._rows.take(rows), self._lengths[rows].ravel()
        return (
            torch.from_numpy(taken.indices.astype(np.int64)),
            torch.from_numpy(taken.weights),
            torch.from_numpy(np.cumsum(counts) - counts),
        )


def _entries(rows: Encoded) -> _Singles | _Several:
    at = rows.rows() * rows.n_fields + rows.fields()
    counts = np.bincount(at, minlength=len(rows) * rows.n_fields).astype(np.int64)
    if (counts == 1).all() and (rows.weights == 1).all():
        return _Singles(rows)
    return _Several(rows, counts.reshape(len(rows), rows.n_fields))
