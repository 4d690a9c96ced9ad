"""Batches of the training table, from memory or from Parquet, with negatives drawn evenly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch

from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.examples import Examples
from palate.models.realtime.table import COLUMNS, GROUP_ROWS, decoded
from palate.train.batches import ArrayBatches, Batch, ParquetBatches
from palate.types import Int64Array

__all__ = ["Step", "array_batches", "parquet_batches"]


class Step(NamedTuple):
    """A batch by name.

    Attributes:
        item: (B,) int64 what was taken, as `Examples.item`.
        recent: (B, m) int64, -1 for none.
        shown: (B, s) int64, -1 for none.
        profile: (B, p) float32.
        context: (B, c) float32.
        outcomes: (B, o) float32.
        drawn: (N,) int64 items drawn evenly from the catalogue, for all rows.
    """

    item: torch.Tensor
    recent: torch.Tensor
    shown: torch.Tensor
    profile: torch.Tensor
    context: torch.Tensor
    outcomes: torch.Tensor
    drawn: torch.Tensor


def array_batches(examples: Examples, n_items: int, config: RealtimeConfig) -> ArrayBatches:
    """Of examples in memory."""
    arrays = [getattr(examples, name) for name in COLUMNS]

    def prepare(rows: Int64Array, rng: np.random.Generator) -> Batch:
        return _step([array[rows] for array in arrays], n_items, config, rng)

    given = [examples.item, examples.recent, examples.profile]
    return ArrayBatches(
        [one for one in given if one.size],
        batch_size=config.batch_size,
        seed=config.seed,
        prepare=prepare,
    )


def parquet_batches(paths: Sequence[Path], n_items: int, config: RealtimeConfig) -> ParquetBatches:
    """Of files that `write_examples` wrote."""
    there = pl.scan_parquet(paths[0]).collect_schema().names()

    def prepare(arrays: Mapping[str, np.ndarray], rng: np.random.Generator) -> Batch:
        return _step([arrays[name] for name in COLUMNS], n_items, config, rng)

    return ParquetBatches(
        paths,
        there,
        batch_size=config.batch_size,
        seed=config.seed,
        decode=decoded,
        prepare=prepare,
        chunk_rows=GROUP_ROWS,
        buffer_chunks=8,
    )


def _step(
    columns: Sequence[np.ndarray], n_items: int, config: RealtimeConfig, rng: np.random.Generator
) -> Batch:
    """Of columns that are nobody else's."""
    drawn = rng.integers(n_items, size=config.catalogue)
    wholes = {"item", "recent", "shown"}
    tensors = []
    for name, column in zip(COLUMNS, columns, strict=True):
        kind = np.int64 if name in wholes else np.float32
        tensors.append(torch.from_numpy(column.astype(kind, order="C", copy=False)))
    return Step._make((*tensors, torch.from_numpy(drawn)))
