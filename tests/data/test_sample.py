from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Histories
from palate.data.sample import sample_negatives
from palate.errors import DataError

N_ITEMS = 12


def histories(touched: list[list[int]], n_items: int = N_ITEMS) -> Histories:
    users = np.repeat(np.arange(len(touched)), [len(t) for t in touched]).astype(np.int32)
    items = np.array([i for t in touched for i in t], np.int32)
    return Histories.from_entries(
        users,
        items,
        np.ones(len(items), np.float32),
        np.zeros(len(items), np.int64),
        n_users=len(touched),
        n_items=n_items,
    )


TOUCHED = st.lists(
    st.lists(st.integers(0, N_ITEMS - 1), max_size=8, unique=True), min_size=1, max_size=6
)


@given(TOUCHED, st.integers(0, 2**32), st.booleans())
def test_no_negative_was_touched(touched: list[list[int]], seed: int, distinct: bool) -> None:
    users = np.arange(len(touched))
    drawn = sample_negatives(histories(touched), users, 4, seed=seed, distinct=distinct)
    assert drawn.shape == (len(touched), 4)
    assert drawn.dtype == np.int32
    for user, row in enumerate(drawn.tolist()):
        assert not set(row) & set(touched[user])
        assert all(0 <= item < N_ITEMS for item in row)
        assert not distinct or len(set(row)) == 4


def test_the_seed_decides() -> None:
    known = histories([[0], [1], [2]])
    users = np.array([2, 0, 0])
    first = sample_negatives(known, users, 5, seed=1)
    np.testing.assert_array_equal(first, sample_negatives(known, users, 5, seed=1))
    assert (first != sample_negatives(known, users, 5, seed=2)).any()


@pytest.mark.parametrize("distinct", [False, True])
def test_one_item_left_is_found(distinct: bool) -> None:
    """By rejection it would take a thousand tries on average: the exact draw steps in."""
    known = histories([[i for i in range(1000) if i != 617]], n_items=1000)
    assert sample_negatives(known, np.array([0]), 1, seed=3, distinct=distinct).tolist() == [[617]]


def test_uniform_draws_are_even() -> None:
    drawn = sample_negatives(histories([[0, 1]], 6), np.zeros(20_000, np.int64), 1, seed=4)
    share = np.bincount(drawn.ravel(), minlength=6) / 20_000
    np.testing.assert_allclose(share, [0, 0, 0.25, 0.25, 0.25, 0.25], atol=0.02)


def test_popular_items_are_drawn_by_the_power_of_their_users() -> None:
    # Item 0 has four users, item 1 one, item 2 none; the last user touched item 3 alone.
    known = histories([[0], [0], [0], [0, 1], [3]], 4)
    users = np.full(20_000, 4)
    for alpha, expected in ((1.0, [0.8, 0.2, 0, 0]), (0.5, [2 / 3, 1 / 3, 0, 0])):
        drawn = sample_negatives(known, users, 1, seed=5, alpha=alpha)
        share = np.bincount(drawn.ravel(), minlength=4) / 20_000
        np.testing.assert_allclose(share, expected, atol=0.02)


def test_a_user_who_touched_everything() -> None:
    known = histories([[0], [0, 1, 2]], 3)
    with pytest.raises(DataError, match="user in row 1 has 0 items left"):
        sample_negatives(known, np.array([0, 1]), 1, seed=0)


def test_distinct_negatives_run_out() -> None:
    known = histories([[0]], 3)
    assert sample_negatives(known, np.array([0]), 9, seed=0).shape == (1, 9)
    with pytest.raises(DataError, match="has 2 items left to draw from; 3 are needed"):
        sample_negatives(known, np.array([0]), 3, seed=0, distinct=True)


def test_popularity_leaves_nothing_where_nobody_else_touched_anything() -> None:
    known = histories([[0]], 3)
    with pytest.raises(DataError, match="0 items left"):
        sample_negatives(known, np.array([0]), 1, seed=0, alpha=0.75)


def test_repeated_events_count_once() -> None:
    assert sample_negatives(histories([[0, 0, 0]], 2), np.array([0]), 1, seed=0).tolist() == [[1]]


def test_no_users() -> None:
    assert sample_negatives(histories([[0]]), np.empty(0, np.int64), 2, seed=0).shape == (0, 2)


@pytest.mark.parametrize(("n", "alpha"), [(0, 0.0), (1, -0.5)])
def test_impossible_numbers(n: int, alpha: float) -> None:
    with pytest.raises(DataError, match="at least"):
        sample_negatives(histories([[0]]), np.array([0]), n, seed=0, alpha=alpha)
