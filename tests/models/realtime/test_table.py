"""The training table in Parquet: what is written is what is read, part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.errors import DataError
from palate.models.realtime.examples import Examples
from palate.models.realtime.table import COLUMNS, decoded, write_examples


def examples(n: int, *, width: int = 3, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    return Examples(
        item=rng.integers(9, size=n).astype(np.int32),
        recent=rng.integers(-1, 9, size=(n, 4)).astype(np.int32),
        shown=np.empty((n, 0), np.int32),
        profile=rng.normal(size=(n, width)).astype(np.float32),
        context=rng.normal(size=(n, 2)).astype(np.float32),
        outcomes=rng.integers(2, size=(n, 1)).astype(np.float32),
    )


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    parts = [examples(5), examples(3, seed=1)]
    paths = write_examples(iter(parts), tmp_path / "table")
    assert [path.name for path in paths] == ["part-00000.parquet", "part-00001.parquet"]
    for path, part in zip(paths, parts, strict=True):
        arrays = decoded(pl.read_parquet(path))
        for name in COLUMNS:
            found, given = arrays[name], getattr(part, name)
            assert found.shape == given.shape
            np.testing.assert_array_equal(found, given)


def test_slices_and_shuffles_of_a_frame_are_read_right(tmp_path: Path) -> None:
    part = examples(6)
    (path,) = write_examples([part], tmp_path)
    order = np.array([4, 0, 5])
    frame = pl.read_parquet(path)[order]
    np.testing.assert_array_equal(decoded(frame)["profile"], part.profile[order])
    np.testing.assert_array_equal(decoded(frame.slice(1, 2))["recent"], part.recent[order[1:]])
    joined = pl.concat([frame, frame.slice(2)], rechunk=False)
    np.testing.assert_array_equal(decoded(joined)["context"], part.context[[4, 0, 5, 5]])


def test_a_folder_with_a_table_is_not_overwritten(tmp_path: Path) -> None:
    write_examples([examples(1)], tmp_path)
    with pytest.raises(DataError, match="already"):
        write_examples([examples(1)], tmp_path)


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no example"):
        write_examples([examples(0)], tmp_path)
