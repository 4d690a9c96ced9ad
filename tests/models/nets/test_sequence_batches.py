"""Batches of sequences: every item but a first is asked for once, in any epoch, from any batch."""

from __future__ import annotations

import numpy as np
import torch

from palate.models.nets.sequence_batches import SequenceBatches, padded_rows
from palate.models.sequences import Sequences

N_ITEMS = 1000


def sequences(lengths: list[int]) -> Sequences:
    """Items 0, 1, 2, ... from the first sequence to the last."""
    indptr = np.cumsum([0, *lengths]).astype(np.int64)
    items = np.arange(indptr[-1], dtype=np.int32)
    return Sequences(indptr, items, np.full(len(lengths), -1, np.int64), N_ITEMS)


def batches(
    lengths: list[int], *, n: int = 4, places: int = 6, negatives: int = 0
) -> SequenceBatches:
    return SequenceBatches(sequences(lengths), n=n, places=places, negatives=negatives, seed=7)


def asked(made: SequenceBatches, epoch: int) -> list[tuple[int, int]]:
    """(item before, item asked for) of an epoch, sorted."""
    pairs = []
    for seen, following, _ in made.epoch(epoch):
        places = following >= 0
        pairs += list(zip(seen[places].tolist(), following[places].tolist(), strict=True))
    return sorted(pairs)


def test_every_item_but_the_first_is_asked_for_once() -> None:
    lengths = [1, 2, 3, 5, 6, 9, 10, 0, 17]
    starts = np.cumsum([0, *lengths])
    expected = [
        (item, item + 1)
        for start, length in zip(starts, lengths, strict=False)
        for item in range(start, start + length - 1)
    ]
    made = batches(lengths)
    for epoch in (1, 2):
        assert asked(made, epoch) == expected


def test_the_last_window_of_a_sequence_is_full() -> None:
    windows = {tuple(row.tolist()) for seen, _, _ in batches([7]).epoch(1) for row in seen}
    assert (2, 3, 4, 5) in windows
    assert any(row[:2] == (0, 1) for row in windows)


def test_rows_are_filled_up_at_the_right() -> None:
    made = batches([2, 5], places=100)
    ((seen, following, negatives),) = made.epoch(1)
    assert sorted(seen.tolist()) == [[0, N_ITEMS, N_ITEMS, N_ITEMS], [2, 3, 4, 5]]
    assert sorted(following.tolist()) == [[1, -1, -1, -1], [3, 4, 5, 6]]
    assert negatives.shape == (0,)


def test_epochs_differ_and_are_the_same_when_asked_again() -> None:
    made = batches([3] * 30, negatives=5)
    first = [part.tolist() for batch in made.epoch(1) for part in batch]
    assert first == [part.tolist() for batch in made.epoch(1) for part in batch]
    assert first != [part.tolist() for batch in made.epoch(2) for part in batch]


def test_a_batch_is_the_same_without_those_before_it() -> None:
    made = batches([2, 3, 9, 4, 4, 7, 12, 2], negatives=3)
    whole = list(made.epoch(3))
    assert len(whole) == len(made)
    for skip in range(len(made)):
        for one, same in zip(whole[skip:], made.epoch(3, skip=skip), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))


def test_a_batch_is_of_like_lengths() -> None:
    made = batches([2] * 64 + [5] * 64, places=40)
    mixed = sum(len(set((f >= 0).sum(1).tolist())) > 1 for _, f, _ in made.epoch(1))
    assert mixed <= len(made) // 4


def test_the_fingerprint_is_of_the_data_and_the_order() -> None:
    assert batches([3, 4]).fingerprint() == batches([3, 4]).fingerprint()
    assert batches([3, 4]).fingerprint() != batches([4, 3]).fingerprint()
    assert batches([3, 4]).fingerprint() != batches([3, 4], n=3).fingerprint()


def test_no_row() -> None:
    empty = np.empty(0, np.int64)
    assert padded_rows(np.arange(3), empty, empty, filling=9).shape == (0, 0)
