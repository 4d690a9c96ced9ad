"""The order of rows that are read a chunk at a time and shuffled through a buffer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from palate.train.seeds import generator
from palate.types import Int64Array

__all__ = ["Chunk", "Part", "Shuffled"]

_CHUNKS, _ROWS = 0, 1  # what a generator is for, within its key


@dataclass(frozen=True, slots=True)
class Chunk:
    """Adjacent rows of one file.

    Attributes:
        file: Its number.
        offset: Of the first row in the file.
        start: The first row, counted through all files.
        stop: One above the last.
    """

    file: int
    offset: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Part:
    """The chunks of one buffer, and how their rows are shuffled.

    Attributes:
        chunks: In the order in which they are read.
        skip: Rows of the shuffled buffer that come before the position asked for.
        key: Of the shuffling.
    """

    chunks: tuple[Chunk, ...]
    skip: int
    key: tuple[int, ...]

    def order(self) -> Int64Array:
        """(n,) int64 permutation of the rows read."""
        n = sum(chunk.stop - chunk.start for chunk in self.chunks)
        return generator(*self.key).permutation(n).astype(np.int64)

    def rows(self) -> Int64Array:
        """(n,) int64 shuffled row numbers, counted through all files."""
        read = np.concatenate([np.arange(c.start, c.stop, dtype=np.int64) for c in self.chunks])
        return read[self.order()]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The order of one epoch; any position is found without reading what comes before.

    Attributes:
        chunks: All of them, in file order.
        together: How many are shuffled together.
        key: (seed, epoch).
    """

    chunks: Sequence[Chunk]
    together: int
    key: tuple[int, int]

    def parts_from(self, position: int) -> Iterator[Part]:
        """The buffers from the one that holds row `position` of the epoch on."""
        drawn = generator(*self.key, _CHUNKS).permutation(len(self.chunks))
        for number, first in enumerate(range(0, len(drawn), self.together)):
            chunks = tuple(self.chunks[i] for i in drawn[first : first + self.together])
            n = sum(chunk.stop - chunk.start for chunk in chunks)
            if position < n:
                yield Part(chunks, position, (*self.key, number, _ROWS))
            position = max(0, position - n)
