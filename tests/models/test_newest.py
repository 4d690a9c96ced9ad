"""The newest liked items of each history."""

from __future__ import annotations

import numpy as np

from palate.data import Histories
from palate.models.newest import newest_liked


def test_the_last_liked_ones_at_the_right() -> None:
    histories = Histories(
        np.array([0, 4, 4, 6, 7], np.int64),
        np.array([5, 6, 7, 6, 1, 2, 3], np.int32),
        np.array([1, 2, 0, 1, 1, -1, 0], np.float32),
        np.full(7, -1, np.int64),
        8,
    )
    newest, counts = newest_liked(histories, 2)
    assert newest.tolist() == [[6, 6], [-1, -1], [-1, 1], [-1, -1]]
    assert counts.tolist() == [2, 0, 1, 0]
    assert newest_liked(histories, 4)[0][0].tolist() == [-1, 5, 6, 6]


def test_no_users() -> None:
    newest, counts = newest_liked(Histories.empty(0, 3), 2)
    assert newest.shape == (0, 2)
    assert counts.shape == (0,)
