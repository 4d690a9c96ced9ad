"""Look-up of hits at its edges; every ranking metric's oracle tests it too."""

from __future__ import annotations

import numpy as np

from palate.metrics.kernels.hits import hit_entries


def test_entries_point_into_the_relevant_items() -> None:
    items = np.array([2, 5, 9, 2], np.int32)
    indptr = np.array([0, 3, 3, 4], np.int64)
    lists = np.array([[9, 3, 2], [2, 5, 9], [5, 2, 2]], np.int32)
    found = hit_entries(lists, indptr, items)
    assert found.tolist() == [[2, -1, 0], [-1, -1, -1], [-1, 3, -1]]


def test_nothing_is_nothing() -> None:
    no_items, no_lists = np.empty(0, np.int32), np.empty((2, 0), np.int32)
    assert hit_entries(no_lists, np.zeros(3, np.int64), no_items).shape == (2, 0)
    empty_places = np.full((1, 2), -1, np.int32)
    found = hit_entries(empty_places, np.array([0, 1], np.int64), np.array([0], np.int32))
    assert found.tolist() == [[-1, -1]]
