"""The training table in Parquet files: written part by part, read with flat memory.

A column of one number a row is numbers; one of several is their bytes, little-endian: Parquet
takes six times as long over a nested array of three hundred numbers as over 1,200 bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from palate.errors import DataError
from palate.models.realtime.examples import Examples

__all__ = ["COLUMNS", "GROUP_ROWS", "decoded", "frame_of_examples", "write_examples"]

GROUP_ROWS: Final = 1 << 12  # read at once: profiles make rows wide
COLUMNS: Final = ("item", "recent", "shown", "profile", "context", "outcomes")
_WHOLE: Final = frozenset(("item", "recent", "shown"))  # int32; the others are float32

assert sys.byteorder == "little"  # bytes of a row are the machine's own


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
    """A row an example; columns without width are left out."""
    series = []
    for name, values in examples.columns().items():
        if values.ndim == 1:
            series.append(pl.Series(name, values, _polars_type(values.dtype)))
        elif values.shape[1]:
            series.append(pl.Series(name, _bytes_of_rows(values), pl.Binary()))
    return pl.DataFrame(series)


def decoded(frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """What was read of such a file: (n, w) or (n,) of each of `COLUMNS`, (n, 0) of one left out.

    They are views of what was read, where they can be, and not to be changed.
    """
    return {name: _column_of(frame, name) for name in COLUMNS}


def _column_of(frame: pl.DataFrame, name: str) -> np.ndarray:
    if name not in frame.columns:
        return np.zeros((frame.height, 0), _kind_of(name))
    series = frame[name]
    if series.dtype != pl.Binary:
        return series.to_numpy()
    flat = _arrays_of_rows(series).rechunk().reshape((-1,)).to_numpy()
    return flat.reshape(frame.height, -1)


def _kind_of(name: str) -> np.dtype:
    return np.dtype(np.int32 if name in _WHOLE else np.float32)


def _polars_type(kind: np.dtype) -> pl.DataType:
    return pl.Int32() if kind == np.int32 else pl.Float32()


def _bytes_of_rows(values: np.ndarray) -> list[bytes]:
    raw = np.ascontiguousarray(values).tobytes()
    width = values.itemsize * values.shape[1]
    return [raw[at : at + width] for at in range(0, len(raw), width)]


def _arrays_of_rows(rows: pl.Series) -> pl.Series:
    kind = _kind_of(rows.name)
    array = pl.Array(_polars_type(kind), len(rows[0]) // kind.itemsize)
    return rows.bin.reinterpret(dtype=array, endianness="little")
