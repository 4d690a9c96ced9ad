"""The training table in Parquet files: written part by part, read with flat memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from palate.errors import DataError
from palate.models.realtime.examples import Examples

__all__ = ["COLUMNS", "GROUP_ROWS", "column_of", "frame_of_examples", "write_examples"]

GROUP_ROWS: Final = 1 << 12  # read at once: profiles make rows wide
COLUMNS: Final = ("item", "recent", "shown", "profile", "context", "outcomes")


def write_examples(parts: Iterable[Examples], folder: Path) -> list[Path]:
    """One file a part, `part-00000.parquet` and on.

    Args:
        parts: As `make_examples` yields them; each is written before the next is made.
        folder: New or empty.

    Raises:
        DataError: The folder holds Parquet files, or there is no example.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.parquet")):
        raise DataError(f"{folder} already holds a table", hint="write to a new folder")
    paths: list[Path] = []
    for part in parts:
        if len(part):
            paths.append(folder / f"part-{len(paths):05d}.parquet")
            frame = frame_of_examples(part)
            frame.write_parquet(paths[-1], compression="lz4", row_group_size=GROUP_ROWS)
    if not paths:
        raise DataError("there is no example to learn from")
    return paths


def frame_of_examples(examples: Examples) -> pl.DataFrame:
    """Arrays of a fixed width a row; columns without width are left out."""
    series = []
    for name, values in examples.columns().items():
        kind = pl.Int32() if values.dtype == np.int32 else pl.Float32()
        if values.ndim == 1:
            series.append(pl.Series(name, values, kind))
        else:
            flat = pl.Series(name, values.reshape(-1), kind)
            series.append(flat.reshape(values.shape).alias(name))
    return pl.DataFrame(series)


def column_of(frame: pl.DataFrame, name: str) -> np.ndarray:
    """(n, w) or (n,) of one column of `frame_of_examples`; (n, 0) where it was left out."""
    if name not in frame.columns:
        return np.zeros((frame.height, 0), np.int32 if name == "shown" else np.float32)
    series = frame[name]
    if isinstance(series.dtype, pl.Array):
        flat = series.rechunk().reshape((-1,)).to_numpy()
        return flat.reshape(frame.height, series.dtype.shape[0])
    return series.to_numpy()
