"""Relevant items: distinct, sorted, graded by the largest value."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Histories
from palate.errors import DataError
from palate.metrics import Relevant

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 4)))


def rows(relevant: Relevant) -> list[list[int]]:
    bounds = relevant.indptr.tolist()
    return [relevant.items[a:b].tolist() for a, b in itertools.pairwise(bounds)]


@given(pairs=PAIRS)
def test_equals_sets_and_dicts(pairs: list[tuple[int, int, int]]) -> None:
    users = np.array([p[0] for p in pairs], np.int64)
    items = np.array([p[1] for p in pairs], np.int64)
    grades = np.array([p[2] for p in pairs], np.float64)
    best: list[dict[int, int]] = [{} for _ in range(4)]
    for user, item, grade in pairs:
        best[user][item] = max(grade, best[user].get(item, 0))
    graded = Relevant.from_pairs(users, items, grades, n_users=4)
    plain = Relevant.from_pairs(users, items, n_users=4)
    assert rows(graded) == rows(plain) == [sorted(b) for b in best]
    assert graded.grades is not None
    assert graded.grades.tolist() == [b[i] for b in best for i in sorted(b)]
    assert graded.counts.tolist() == [len(b) for b in best]
    assert graded.items.dtype == np.int32
    assert graded.indptr.dtype == np.int64


def test_the_callers_arrays_are_left_alone() -> None:
    users, items = np.array([1, 0]), np.array([0, 3])
    Relevant.from_pairs(users, items, n_users=2)
    assert users.tolist() == [1, 0]
    assert items.tolist() == [0, 3]


def histories() -> Histories:
    return Histories.from_entries(
        np.array([0, 0, 0, 1], np.int32),
        np.array([4, 2, 2, 3], np.int32),
        np.array([5.0, 1.0, 3.0, 2.0], np.float32),
        np.zeros(4, np.int64),
        n_users=3,
        n_items=5,
    )


def test_every_item_of_a_history_is_relevant_by_default() -> None:
    relevant = Relevant.from_histories(histories())
    assert rows(relevant) == [[2, 4], [3], []]
    assert relevant.grades is not None
    assert relevant.grades.tolist() == [3.0, 5.0, 2.0]


def test_min_value_leaves_low_ratings_out() -> None:
    assert rows(Relevant.from_histories(histories(), min_value=3.0)) == [[2, 4], [], []]
    assert rows(Relevant.from_histories(histories(), min_value=6.0)) == [[], [], []]


def test_nan_grades_are_refused() -> None:
    with pytest.raises(DataError, match="1 grades"):
        Relevant.from_pairs(np.array([0]), np.array([0]), np.array([np.nan]), n_users=1)


@pytest.mark.parametrize(("user", "item"), [(1, 0), (-1, 0), (0, -1)])
def test_rows_out_of_range_are_refused(user: int, item: int) -> None:
    with pytest.raises(DataError, match="outside"):
        Relevant.from_pairs(np.array([user]), np.array([item]), n_users=1)
