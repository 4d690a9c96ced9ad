"""Batches of sequences of like length, so that little of a batch is padding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch

from palate.models.sequences import Sequences
from palate.train.batches import Batch
from palate.train.seeds import generator
from palate.train.world import World
from palate.types import Int64Array

__all__ = ["SequenceBatches", "padded_rows"]

_ORDER, _DRAWS = 1, 2  # what a generator is for, within its key
_LENGTHS = 8  # sequences are sorted within pools of so many batches' worth


class SequenceBatches:
    """Windows of sequences, each place to be followed by the next item.

    A sequence longer than `n` + 1 is cut into windows that overlap by one item, so that every
    item but the first is asked for once. A batch is (items (m, length) int64, filled up with
    `n_items`; following (m, length) int64, -1 where nothing is asked; negatives (k,) int64).

    Args:
        sequences: What to learn from; those of one item are left out.
        n: Places a window has at most.
        places: A batch has about so many, over all processes.
        negatives: Items drawn for each batch; 0 for none.
        seed: Of the order and the draws.
    """

    def __init__(
        self, sequences: Sequences, *, n: int, places: int, negatives: int, seed: int
    ) -> None:
        self._sequences = sequences
        self._negatives = negatives
        self._seed = seed
        self._settings = f"{n} {places} {negatives} {seed}"
        self._starts, self._lengths = _windows(sequences, n)
        self._size = max(1, round(places / float(self._lengths.mean())))
        self._world = World.here()

    def __len__(self) -> int:
        return -(-len(self._starts) // self._size)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 1), from batch `skip` (from 0) on."""
        order = self._order(number)
        for batch in range(skip, len(self)):
            yield self._made(self._share(order, batch), number, batch)

    def fingerprint(self) -> str:
        """SHA-256 of the sequences and of what the order depends on."""
        digest = hashlib.sha256(f"{self._settings} {self._sequences.n_items}".encode())
        digest.update(self._sequences.indptr.tobytes())
        digest.update(self._sequences.items.tobytes())
        return digest.hexdigest()

    def rows(self, epoch: int, batch: int) -> Int64Array:
        """(m,) window numbers of one batch of this process."""
        return self._share(self._order(epoch), batch)

    def _made(self, windows: Int64Array, epoch: int, batch: int) -> Batch:
        starts, lengths = self._starts[windows], self._lengths[windows]
        items, n_items = self._sequences.items, self._sequences.n_items
        seen = padded_rows(items, starts, lengths, filling=n_items)
        following = padded_rows(items, starts + 1, lengths, filling=-1)
        rng = generator(self._seed, epoch, batch, self._world.rank, _DRAWS)
        drawn = rng.integers(0, n_items, self._negatives)
        return torch.from_numpy(seen), torch.from_numpy(following), torch.from_numpy(drawn)

    def _order(self, epoch: int) -> Int64Array:
        """Shuffled, sorted by length within pools, and the batches shuffled."""
        rng = generator(self._seed, epoch, _ORDER)
        order = rng.permutation(len(self._starts))
        pool = self._size * _LENGTHS
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            order[start : start + pool] = part[np.argsort(self._lengths[part], kind="stable")]
        whole = len(order) // self._size * self._size  # the last, smaller batch stays last
        batches = order[:whole].reshape(-1, self._size)
        order[:whole] = batches[rng.permutation(len(batches))].reshape(-1)
        return order.astype(np.int64)

    def _share(self, order: Int64Array, batch: int) -> Int64Array:
        start = batch * self._size
        return np.ascontiguousarray(self._world.share(order[start : start + self._size]))


def padded_rows(
    items: np.ndarray, starts: Int64Array, lengths: Int64Array, *, filling: int
) -> Int64Array:
    """(m, longest) int64: `items[start : start + length]` at the left of each row."""
    places = np.arange(lengths.max(initial=0))
    asked = places < lengths[:, None]
    at = np.where(asked, starts[:, None] + places, 0)
    return np.where(asked, items[at], filling).astype(np.int64)


def _windows(sequences: Sequences, n: int) -> tuple[Int64Array, Int64Array]:
    """Starts in `items` and places, (m,) int64 each; the last window of a sequence is full."""
    asked = np.maximum(sequences.lengths - 1, 0)
    counts = -(-asked // n)
    owner = np.repeat(np.arange(len(asked)), counts)
    from_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(owner)) - 1
    ends = sequences.indptr[1:][owner] - 1 - from_end * n
    starts = np.maximum(ends - n, sequences.indptr[:-1][owner])
    return starts.astype(np.int64), (ends - starts).astype(np.int64)
