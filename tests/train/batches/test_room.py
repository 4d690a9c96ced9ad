"""Rows of a buffer that is filled again and again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.train.batches.room import Arrays, Room


def numbered(heights: list[int]) -> list[Arrays]:
    """Rows numbered through all parts, with a pair and with nothing beside each."""
    parts: list[Arrays] = []
    for start, height in zip(np.cumsum([0, *heights]), heights, strict=False):
        rows = np.arange(start, start + height, dtype=np.int32)
        pairs = np.stack([rows, -rows], axis=1).astype(np.float32)
        parts.append({"id": rows, "pair": pairs, "nothing": np.empty((height, 0), np.int32)})
    return parts


@given(st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=4), min_size=1), st.data())
def test_rows_as_of_one_array_however_often_it_is_filled(
    fillings: list[list[int]], data: st.DataObject
) -> None:
    room, batch = Room(max(map(sum, fillings))), Room(12)
    for heights in fillings:
        parts = numbered(heights)
        room.fill(iter(parts))
        assert len(room) == sum(heights)
        batch.clear()
        picked = [
            np.array(data.draw(st.lists(st.integers(0, len(room) - 1), max_size=6)), np.int64)
            for _ in range(2)
        ]
        for wanted in picked:
            batch.take(room, wanted)
        for name, found in batch.arrays().items():
            whole = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(found, whole[np.concatenate(picked)])
            assert found.dtype == whole.dtype


def test_what_was_picked_stays_when_the_room_is_filled_again() -> None:
    room, batch = Room(3), Room(3)
    room.fill(numbered([3]))
    batch.take(room, np.array([2, 0]))
    room.fill([{name: one + 9 for name, one in part.items()} for part in numbered([2])])
    assert batch.arrays()["id"].tolist() == [2, 0]
    batch.take(room, np.array([1]))
    assert batch.arrays()["id"].tolist() == [2, 0, 10]


def test_it_stands_where_it_stood() -> None:
    room = Room(4)
    room.fill(numbered([4]))
    before = room.arrays()["pair"]
    room.fill(numbered([1, 2]))
    assert np.shares_memory(before, room.arrays()["pair"])
