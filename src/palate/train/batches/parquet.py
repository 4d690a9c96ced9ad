"""Batches streamed from Parquet files: a log larger than memory trains with flat memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, cycle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from palate.errors import DataError
from palate.train.batches.base import Batch
from palate.train.batches.chunks import Chunk, Shuffled
from palate.train.batches.held import Held, Picked
from palate.train.batches.room import Arrays, Room
from palate.train.seeds import generator
from palate.train.world import World
from palate.types import Int64Array

__all__ = ["FramePrepare", "ParquetBatches"]

FramePrepare = Callable[[Any, np.random.Generator], Batch]
"""Makes a batch of rows: pads lists, draws negatives from the generator given. The rows are a
frame, or, where there is a `decode`, arrays by name."""

_DRAWS = 2  # what a generator is for, within its key


class ParquetBatches:
    """Rows of Parquet files, shuffled through a buffer, the next part read ahead.

        batches = ParquetBatches(
            sorted(folder.glob("*.parquet")), ["user", "item", "label"], batch_size=4096, seed=42
        )

    An epoch takes the files' chunks in an order drawn anew, `buffer_chunks` at a time, and
    shuffles the rows of these among each other. At most two buffers are in memory, that which is
    used and that which is read ahead. What the shuffling cannot do is bring together rows of
    chunks that are far apart in the epoch's order; files that are written in order of time or user
    need a buffer of many chunks.

    Where several processes train together, each reads all and keeps its share of every batch,
    so that a batch is the same however many there are.

    Args:
        paths: Files of one schema, in an order that stays the same.
        columns: To read.
        batch_size: Rows a batch over all processes; the last one of an epoch may be smaller.
        seed: Of the order and the draws.
        decode: Makes arrays by name, always of the same widths, of the rows read at once, in the
            thread that reads ahead; by default they stay a frame. Arrays are picked from faster
            and stand in the same memory for a whole epoch.
        prepare: Makes the batch of a frame or of arrays; by default a tensor a column, numbers
            only. What it draws from the generator it is given depends on (seed, epoch, batch,
            process).
        chunk_rows: Rows read at once; a multiple of the files' row groups reads each just once.
        buffer_chunks: Chunks that are shuffled together.

    Raises:
        DataError: No file, no row, or a column is missing.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        columns: Sequence[str],
        *,
        batch_size: int,
        seed: int,
        decode: Callable[[pl.DataFrame], Arrays] | None = None,
        prepare: FramePrepare | None = None,
        chunk_rows: int = 1 << 17,
        buffer_chunks: int = 8,
    ) -> None:
        self._paths = list(paths)
        self._columns = list(columns)
        self._batch_size = batch_size
        self._seed = seed
        self._decode = decode
        self._prepare = prepare if prepare is not None else _tensors
        self._layout = (chunk_rows, buffer_chunks)
        self._chunks = _chunks(self._paths, self._columns, chunk_rows)
        self._n = sum(chunk.stop - chunk.start for chunk in self._chunks)
        if self._n == 0:
            raise DataError(f"there is nothing to learn from in {len(self._paths)} files")
        self._world = World.here()

    def __len__(self) -> int:
        return -(-self._n // self._batch_size)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 1), from batch `skip` (from 0) on."""
        position = skip * self._batch_size
        rows = Room(self._batch_size) if self._decode is not None else Picked()
        batch = skip
        for buffer, order in self._buffers(number, position):
            at = 0
            while at < len(order):
                # A batch's rows are gathered as they are due: no second copy of the buffer.
                some = order[at : at + self._batch_size - len(rows)]
                rows.take(buffer, some)
                at += len(some)
                if len(rows) == self._batch_size:
                    yield self._made(rows, number, batch)
                    rows.clear()
                    batch += 1
        if len(rows):
            yield self._made(rows, number, batch)

    def fingerprint(self) -> str:
        """SHA-256 of the files and of what the order depends on."""
        said = (self._batch_size, self._seed, self._columns, self._layout)
        digest = hashlib.sha256(repr(said).encode())
        for path in self._paths:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def rows(self, epoch: int, batch: int) -> Int64Array:
        """(m,) row numbers, counted through the files, of one batch of this process."""
        start = batch * self._batch_size
        found: list[Int64Array] = []
        for part in self._order(epoch).parts_from(start):
            found.append(part.rows()[part.skip :])
            if sum(map(len, found)) >= self._batch_size:
                break
        return self._world.share(np.concatenate(found)[: self._batch_size])

    def _order(self, epoch: int) -> Shuffled:
        return Shuffled(self._chunks, self._layout[1], (self._seed, epoch))

    def _buffers(self, epoch: int, position: int) -> Iterator[tuple[Any, Int64Array]]:
        """Buffers from a position on and the order of their rows, the next one read ahead.

        They are what `_read` gives, `Room` where rows are decoded and else `Held`.
        """
        parts = self._order(epoch).parts_from(position)
        most = min(math.prod(self._layout), self._n)
        rooms = cycle((Room(most), Room(most)))  # the one that is used, the one that is filled
        with ThreadPoolExecutor(1, "palate-parquet") as ahead:
            part = next(parts, None)
            reading = None if part is None else ahead.submit(self._read, part.chunks, next(rooms))
            while part is not None and reading is not None:
                buffer, order = reading.result(), part.order()[part.skip :]
                part = next(parts, None)
                reading = None
                if part is not None:
                    reading = ahead.submit(self._read, part.chunks, next(rooms))
                yield buffer, order
                del buffer

    def _read(self, chunks: Sequence[Chunk], room: Room) -> Held | Room:
        if self._decode is None:
            return Held([self._frame(chunk) for chunk in chunks])
        room.fill(self._decode(self._frame(chunk)) for chunk in chunks)
        return room

    def _frame(self, chunk: Chunk) -> pl.DataFrame:
        lazy = pl.scan_parquet(self._paths[chunk.file]).select(self._columns)
        return lazy.slice(chunk.offset, chunk.stop - chunk.start).collect()

    def _made(self, gathered: Room | Picked, epoch: int, batch: int) -> Batch:
        rows = gathered.arrays() if isinstance(gathered, Room) else gathered.frame()
        if self._world.size > 1:
            rows = self._shared(rows)
        return self._prepare(rows, generator(self._seed, epoch, batch, self._world.rank, _DRAWS))

    def _shared(self, rows: Arrays | pl.DataFrame) -> Arrays | pl.DataFrame:
        """This process's share of a batch."""
        if isinstance(rows, pl.DataFrame):
            return rows[self._world.share(np.arange(rows.height))]
        return {name: self._world.share(one) for name, one in rows.items()}


def _chunks(paths: Sequence[Path], columns: Sequence[str], chunk_rows: int) -> list[Chunk]:
    """The files cut into parts that are read at once."""
    if not paths:
        raise DataError("there is nothing to learn from: no Parquet file is given")
    heights = []
    for path in paths:
        lazy = pl.scan_parquet(path)
        missing = sorted(set(columns) - set(lazy.collect_schema().names()))
        if missing:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}")
        heights.append(int(lazy.select(pl.len()).collect().item()))
    starts = accumulate(heights, initial=0)
    return [
        Chunk(file, offset, start + offset, start + min(offset + chunk_rows, height))
        for file, (start, height) in enumerate(zip(starts, heights, strict=False))
        for offset in range(0, height, chunk_rows)
    ]


def _tensors(rows: pl.DataFrame | Arrays, _: np.random.Generator) -> Batch:
    """A tensor a column."""
    if not isinstance(rows, pl.DataFrame):
        return tuple(torch.from_numpy(one) for one in rows.values())
    wrong = [
        name for name, kind in rows.schema.items() if not (kind.is_numeric() or kind == pl.Boolean)
    ]
    if wrong:
        raise DataError(
            f"the columns {', '.join(wrong)} are no numbers", hint="give prepare, to make tensors"
        )
    return tuple(torch.from_numpy(one.to_numpy(writable=True)) for one in rows.iter_columns())
