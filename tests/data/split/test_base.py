from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.data.split.base import held_out, known_times, places, sizes
from palate.errors import DataError


def test_places_count_within_groups_and_ties_keep_their_order() -> None:
    groups = np.array([1, 0, 1, 1, 0], np.int32)
    keys = np.array([5, 9, 5, 4, 8])
    counts = sizes(groups, 3)
    assert counts.tolist() == [2, 3, 0]
    assert places(groups, keys, counts).tolist() == [1, 1, 2, 0, 0]


def test_a_group_never_goes_to_test_whole() -> None:
    counts = np.array([0, 1, 2, 3, 4, 10])
    assert held_out(counts, 0.25).tolist() == [0, 0, 0, 1, 1, 2]
    assert held_out(counts, 0.99).tolist() == [0, 0, 1, 2, 3, 9]


def test_the_first_row_without_time_is_named() -> None:
    frame = pl.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": [5, None]})
    with pytest.raises(DataError, match="row 2 has none") as caught:
        known_times(Dataset.from_frames(frame), why="this")
    assert "stratified" in str(caught.value.hint)
