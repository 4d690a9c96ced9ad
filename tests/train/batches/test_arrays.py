"""Batches of arrays: every row once an epoch, the same from anywhere, shared by processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.train.batches import ArrayBatches, Batch, Located
from palate.train.world import World
from palate.types import Int64Array


def rows_of(batches: ArrayBatches, epoch: int, skip: int = 0) -> list[list[int]]:
    return [batch[0].tolist() for batch in batches.epoch(epoch, skip=skip)]


@given(n=st.integers(1, 50), size=st.integers(1, 60), skip=st.integers(0, 5))
def test_every_row_once_an_epoch_and_the_same_from_anywhere(n: int, size: int, skip: int) -> None:
    batches = ArrayBatches((np.arange(n),), batch_size=size, seed=3)
    whole = rows_of(batches, 2)
    assert sorted(row for one in whole for row in one) == list(range(n))
    assert len(whole) == len(batches)
    assert all(len(one) == size for one in whole[:-1])
    assert rows_of(batches, 2, skip) == whole[skip:]
    assert [batches.rows(2, at).tolist() for at in range(len(batches))] == whole


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    x = np.arange(100)
    one = ArrayBatches((x,), batch_size=100, seed=1)
    other = ArrayBatches((x,), batch_size=100, seed=2)
    orders = [rows_of(one, 1), rows_of(one, 2), rows_of(other, 1)]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]
    assert orders[0] == rows_of(ArrayBatches((x,), batch_size=100, seed=1), 1)


def test_arrays_stay_aligned_and_keep_shape_and_type() -> None:
    x = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
    y = np.arange(6, dtype=np.int32)
    for a, b in ArrayBatches((x, y), batch_size=4, seed=0).epoch(1):
        assert a.dtype is torch.float32
        assert b.dtype is torch.int32
        np.testing.assert_array_equal(a.numpy(), x[b.numpy()])


def test_no_shuffling_keeps_the_order() -> None:
    batches = ArrayBatches((np.arange(5),), batch_size=2, seed=0, shuffle=False)
    assert rows_of(batches, 1) == rows_of(batches, 2) == [[0, 1], [2, 3], [4]]


def test_prepare_draws_the_same_however_it_is_reached() -> None:
    def prepare(rows: Int64Array, rng: np.random.Generator) -> Batch:
        drawn = rng.integers(1 << 40, size=len(rows))
        return torch.from_numpy(rows), torch.from_numpy(drawn)

    batches = ArrayBatches((np.arange(20),), batch_size=6, seed=5, prepare=prepare)
    whole = [tuple(part.tolist() for part in batch) for batch in batches.epoch(1)]
    late = [tuple(part.tolist() for part in batch) for batch in batches.epoch(1, skip=2)]
    assert late == whole[2:]
    again = [tuple(part.tolist() for part in batch) for batch in batches.epoch(2)]
    assert not {d for _, ds in whole for d in ds} & {d for _, ds in again for d in ds}


def test_read_only_arrays_are_taken() -> None:
    x = np.arange(4.0)
    x.flags.writeable = False
    assert rows_of(ArrayBatches((x,), batch_size=4, seed=0, shuffle=False), 1) == [[0, 1, 2, 3]]


def test_strided_arrays_are_taken() -> None:
    x = np.arange(20).reshape(5, 4)[:, 1]
    batches = ArrayBatches((x,), batch_size=5, seed=0, shuffle=False)
    assert rows_of(batches, 1) == [[1, 5, 9, 13, 17]]
    assert (
        batches.fingerprint()
        == ArrayBatches((x.copy(),), batch_size=5, seed=0, shuffle=False).fingerprint()
    )


@pytest.mark.parametrize("arrays", [(), (np.empty(0),), (np.arange(2), np.arange(3))])
def test_arrays_that_cannot_be_rows_are_refused(arrays: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(DataError, match="one length above 0"):
        ArrayBatches(arrays, batch_size=2, seed=0)


def test_the_fingerprint_is_of_values_types_and_order() -> None:
    def of(x: np.ndarray, size: int = 2, seed: int = 0) -> str:
        batches = ArrayBatches((x,), batch_size=size, seed=seed)
        assert isinstance(batches, Located)
        return batches.fingerprint()

    x = np.arange(4)
    assert of(x) == of(x.copy())
    others = [of(x[::-1]), of(x.astype(np.int32)), of(x, size=3), of(x, seed=1), of(x[:3])]
    assert len({of(x), *others}) == 6


@given(n=st.integers(1, 40), size=st.integers(1, 12), processes=st.integers(2, 4))
def test_processes_share_a_batch(n: int, size: int, processes: int) -> None:
    order = np.arange(n)
    for start in range(0, n, size):
        batch = order[start : start + size]
        dealt = [World(rank, processes).share(batch) for rank in range(processes)]
        assert set(np.concatenate(dealt).tolist()) == set(batch.tolist())
        assert all(len(one) for one in dealt)
        if len(batch) >= processes:
            assert sum(len(one) for one in dealt) == len(batch)
