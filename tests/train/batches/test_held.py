"""Frames picked from as if they were one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.train.batches.held import Held


def numbered(heights: list[int]) -> list[pl.DataFrame]:
    """Rows numbered through all frames, with a pair of numbers each."""
    starts = np.cumsum([0, *heights]).tolist()
    frames = []
    for start, height in zip(starts, heights, strict=False):
        rows = np.arange(start, start + height, dtype=np.int64)
        pairs = pl.Series("pair", np.stack([rows, -rows], axis=1), pl.Array(pl.Int64, 2))
        frames.append(pl.DataFrame({"id": rows, "pair": pairs}))
    return frames


@given(st.lists(st.integers(0, 7), min_size=1, max_size=5), st.data())
def test_rows_as_of_one_frame(heights: list[int], data: st.DataObject) -> None:
    frames = numbered(heights)
    held = Held(frames)
    assert len(held) == sum(heights)
    numbers = st.integers(0, max(0, sum(heights) - 1))
    wanted = np.array(data.draw(st.lists(numbers, max_size=12 if sum(heights) else 0)), np.int64)
    assert held.rows(wanted).equals(pl.concat(frames)[wanted])


@pytest.mark.parametrize("wanted", [[], [3, 3, 0], [9, 0, 5, 4]], ids=["none", "twice", "mixed"])
def test_rows_in_the_order_asked_for(wanted: list[int]) -> None:
    found = Held(numbered([5, 0, 5])).rows(np.array(wanted, np.int64))
    assert found["id"].to_list() == wanted
    assert found["pair"].to_list() == [[one, -one] for one in wanted]


def test_a_frame_in_pieces() -> None:
    whole = pl.concat(numbered([2, 3]), rechunk=False)
    assert Held([whole]).rows(np.array([4, 1]))["id"].to_list() == [4, 1]
