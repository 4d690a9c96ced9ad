"""Batches from files: every row once, the same from anywhere, memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.train.batches import Batch, Located, ParquetBatches
from palate.train.batches.chunks import Chunk
from palate.train.batches.held import Held
from palate.train.batches.room import Arrays, Room
from palate.train.world import World


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files of 100 rows in all, the second one empty."""
    folder = tmp_path_factory.mktemp("files")
    paths = []
    for name, start, stop in (("a", 0, 37), ("b", 37, 37), ("c", 37, 100)):
        paths.append(folder / f"{name}.parquet")
        rows = pl.DataFrame({"id": pl.int_range(start, stop, dtype=pl.Int64, eager=True)})
        rows = rows.with_columns(x=pl.col("id").cast(pl.Float32) / 2, words=pl.format("{}", "id"))
        rows.write_parquet(paths[-1], row_group_size=16)
    return paths


def made(files: list[Path], size: int = 8, chunk: int = 16, together: int = 2) -> ParquetBatches:
    return ParquetBatches(
        files, ["id", "x"], batch_size=size, seed=1, chunk_rows=chunk, buffer_chunks=together
    )


def ids(batches: ParquetBatches, epoch: int, skip: int = 0) -> list[list[int]]:
    return [batch[0].tolist() for batch in batches.epoch(epoch, skip=skip)]


@given(
    size=st.integers(1, 110),
    chunk=st.integers(1, 40),
    together=st.integers(1, 5),
    skip=st.integers(0, 12),
)
def test_every_row_once_an_epoch_and_the_same_from_anywhere(
    files: list[Path], size: int, chunk: int, together: int, skip: int
) -> None:
    batches = made(files, size, chunk, together)
    whole = ids(batches, 3)
    assert sorted(row for one in whole for row in one) == list(range(100))
    assert len(whole) == len(batches)
    assert all(len(one) == size for one in whole[:-1])
    skip = min(skip, len(batches) - 1)
    assert ids(batches, 3, skip) == whole[skip:]
    assert batches.rows(3, skip).tolist() == whole[skip]


def test_columns_stay_aligned(files: list[Path]) -> None:
    for row, x in made(files).epoch(1):
        assert row.dtype is torch.int64
        assert x.dtype is torch.float32
        torch.testing.assert_close(x, row.to(torch.float32) / 2)


def test_rows_of_several_files_come_in_one_batch(files: list[Path]) -> None:
    batches = made(files, size=50, chunk=10, together=10)
    assert all({row < 37 for row in one} == {True, False} for one in ids(batches, 1))
    assert ids(batches, 1) != ids(batches, 2)


def test_rows_are_decoded_as_they_are_read(files: list[Path]) -> None:
    sizes: list[int] = []

    def decode(frame: pl.DataFrame) -> Arrays:
        sizes.append(frame.height)
        numbers = frame["id"].to_numpy()
        return {"id": numbers, "x": numbers * 3}

    batches = ParquetBatches(
        files, ["id", "x"], batch_size=8, seed=1, decode=decode, chunk_rows=16, buffer_chunks=2
    )
    found = []
    for numbers, threefold in batches.epoch(1):
        assert torch.equal(numbers * 3, threefold)
        found.append(numbers.tolist())
    plain = ParquetBatches(files, ["id"], batch_size=8, seed=1, chunk_rows=16, buffer_chunks=2)
    assert found == ids(plain, 1)  # in the order of frames that are not decoded
    assert sum(sizes) == 100
    assert max(sizes) == 16


def test_prepare_gets_frames_and_its_own_draws(files: list[Path]) -> None:
    def prepare(frame: pl.DataFrame, rng: np.random.Generator) -> Batch:
        lengths = frame["words"].str.len_chars().to_numpy(writable=True).astype(np.int64)
        return torch.from_numpy(lengths), torch.from_numpy(rng.integers(1 << 40, size=2))

    batches = ParquetBatches(files, ["words"], batch_size=30, seed=1, prepare=prepare)
    whole = [[part.tolist() for part in batch] for batch in batches.epoch(1)]
    assert [[part.tolist() for part in batch] for batch in batches.epoch(1, skip=2)] == whole[2:]
    assert whole[0][1] != whole[1][1]


def test_processes_share_each_batch(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ids(made(files), 1)
    shares = []
    for rank in range(2):
        monkeypatch.setattr(World, "here", lambda rank=rank: World(rank, 2))
        batches = made(files)
        shares.append(ids(batches, 1))
        assert batches.rows(1, 4).tolist() == shares[rank][4]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(one) for one in whole]


def test_an_epoch_left_in_the_middle_leaves_no_thread(files: list[Path]) -> None:
    import threading

    epoch = made(files, size=3, chunk=4, together=1).epoch(1)
    next(epoch)
    epoch.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name.startswith("palate-parquet")]


def test_the_fingerprint_is_of_bytes_and_order(files: list[Path], tmp_path: Path) -> None:
    first = made(files)
    assert isinstance(first, Located)
    copied = [tmp_path / path.name for path in files]
    for path, copy in zip(files, copied, strict=True):
        copy.write_bytes(path.read_bytes())
    assert made(copied).fingerprint() == first.fingerprint()
    pl.read_parquet(files[0]).with_columns(x=0.0).write_parquet(copied[0])
    others = [made(copied), made(files[::-1]), made(files, size=9), made(files, chunk=8)]
    assert len({one.fingerprint() for one in (first, *others)}) == 5


def test_what_cannot_be_learned_from_is_refused(files: list[Path]) -> None:
    with pytest.raises(DataError, match="no Parquet file"):
        made([])
    with pytest.raises(DataError, match="nothing to learn from in 1 files"):
        made([files[1]])
    with pytest.raises(DataError, match=r"a\.parquet lacks the columns nowhere"):
        ParquetBatches(files, ["id", "nowhere"], batch_size=1, seed=0)
    words = ParquetBatches(files, ["words"], batch_size=1, seed=0)
    with pytest.raises(DataError, match="words are no numbers"):
        next(iter(words.epoch(1)))


@pytest.mark.parametrize("n_files", [2, 20])
def test_no_more_than_two_buffers_are_held_however_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_files: int
) -> None:
    size, chunk, together = 7, 16, 3
    read, paths = [], [tmp_path / f"{at}.parquet" for at in range(n_files)]
    for path in paths:
        pl.DataFrame({"id": range(64), "x": [0.0] * 64}).write_parquet(path, row_group_size=16)
    as_it_is = ParquetBatches._read

    def counted(self: ParquetBatches, chunks: Sequence[Chunk], room: Room) -> Held | Room:
        held = as_it_is(self, chunks, room)
        read.append(len(held))
        return held

    monkeypatch.setattr(ParquetBatches, "_read", counted)
    given = most = 0
    for batch in made(paths, size, chunk, together).epoch(1):
        most = max(most, sum(read) - given)  # read and not handed on, as this batch was made
        given += len(batch[0])
    assert given == sum(read) == 64 * n_files
    assert most <= 2 * chunk * together + size


MEASURED = """
import resource, sys
from pathlib import Path
import numpy as np, polars as pl
from palate.train.batches import ParquetBatches

paths = [Path(name) for name in sys.argv[1:]]
batches = ParquetBatches(
    paths, ["a", "b", "c", "d"], batch_size=4096, seed=1, chunk_rows=1 << 15, buffer_chunks=4
)
total, rows = 0.0, 0
for batch in batches.epoch(1):
    total += float(batch[0].sum())
    rows += len(batch[0])
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_mib(paths: list[Path]) -> tuple[int, float]:
    """Rows read and the peak of resident memory, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, paths)],
        check=True,
        capture_output=True,
        text=True,
    )
    rows, kib = done.stdout.split()
    return int(rows), int(kib) / 1024


@pytest.mark.slow
def test_memory_is_flat_however_large_the_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "part.parquet"
    frame = pl.DataFrame({name: rng.normal(size=1 << 20) for name in "abcd"})
    frame.write_parquet(path, row_group_size=1 << 15, compression="uncompressed")
    few_rows, few = peak_mib([path])
    many_rows, many = peak_mib([path] * 12)  # 384 MiB of numbers
    assert many_rows == 12 * few_rows == 12 << 20
    assert many < few + 48
