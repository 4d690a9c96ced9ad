"""Batches of rows that are in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from palate.errors import DataError
from palate.train.batches.base import Batch, Prepare
from palate.train.seeds import generator
from palate.train.world import World
from palate.types import Int64Array

__all__ = ["ArrayBatches"]

_ORDER, _DRAWS = 1, 2  # what a generator is for, within its key


class ArrayBatches:
    """Rows of arrays of one length, in an order shuffled anew every epoch.

        batches = ArrayBatches((users, items, labels), batch_size=1024, seed=42)

        def prepare(rows, rng):  # negatives drawn for each batch
            drawn = torch.from_numpy(rng.integers(n_items, size=len(rows)))
            return users_t[rows], items_t[rows], drawn

        batches = ArrayBatches((users, items), batch_size=1024, seed=42, prepare=prepare)

    Where several processes train together, each has its share of every batch.

    Args:
        arrays: Of n rows each, any further shape; numbers or booleans. They are not copied,
            and not to be changed.
        batch_size: Rows a batch over all processes; the last one of an epoch may be smaller.
        seed: Of the order and the draws.
        prepare: Makes the batch of (m,) int64 row numbers; by default the arrays' rows. What
            it draws from the generator it is given depends on (seed, epoch, batch, process).
        shuffle: False keeps the order given.

    Raises:
        DataError: No array, no row, or different lengths.
    """

    def __init__(
        self,
        arrays: Sequence[NDArray[Any]],
        *,
        batch_size: int,
        seed: int,
        prepare: Prepare | None = None,
        shuffle: bool = True,
    ) -> None:
        lengths = sorted({len(array) for array in arrays})
        if len(lengths) != 1 or lengths[0] == 0:
            raise DataError(f"training needs arrays of one length above 0, not {lengths}")
        self._arrays = [np.ascontiguousarray(array) for array in arrays]
        self._tensors = [torch.from_numpy(_writable(array)) for array in self._arrays]
        self._n = lengths[0]
        self._batch_size = batch_size
        self._seed = seed
        self._prepare = prepare
        self._shuffle = shuffle
        self._world = World.here()

    def __len__(self) -> int:
        return -(-self._n // self._batch_size)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 1), from batch `skip` (from 0) on."""
        order = self._order(number)
        for batch in range(skip, len(self)):
            rows = self._share(order, batch)
            if self._prepare is None:
                picked = torch.from_numpy(rows)
                yield tuple(torch.index_select(array, 0, picked) for array in self._tensors)
            else:
                rng = generator(self._seed, number, batch, self._world.rank, _DRAWS)
                yield self._prepare(rows, rng)

    def fingerprint(self) -> str:
        """SHA-256 of the arrays and of what the order depends on."""
        digest = hashlib.sha256(f"{self._batch_size} {self._seed} {self._shuffle}".encode())
        for array in self._arrays:
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(array.view(np.uint8).data if array.ndim else array.tobytes())
        return digest.hexdigest()

    def rows(self, epoch: int, batch: int) -> Int64Array:
        """(m,) row numbers in the arrays of one batch of this process."""
        return self._share(self._order(epoch), batch)

    def _order(self, epoch: int) -> Int64Array:
        if not self._shuffle:
            return np.arange(self._n, dtype=np.int64)
        return generator(self._seed, epoch, _ORDER).permutation(self._n).astype(np.int64)

    def _share(self, order: Int64Array, batch: int) -> Int64Array:
        start = batch * self._batch_size
        return np.ascontiguousarray(self._world.share(order[start : start + self._batch_size]))


def _writable(array: NDArray[Any]) -> NDArray[Any]:
    """Torch warns of arrays that it could write to and must not; it never writes to these."""
    return array if array.flags.writeable else array.copy()
