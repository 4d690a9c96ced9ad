"""Samplers draw what they say, with the chances they say, and never what was touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.train.samplers import InBatchSampler, PopularitySampler, UniformSampler
from palate.train.samplers.touched import Touched

DRAWS = 200_000


def shares(sampler: PopularitySampler, n_items: int) -> np.ndarray:
    drawn = sampler.draw(np.random.default_rng(0), np.zeros(DRAWS // 4, np.int64), 4)
    assert drawn.shape == (DRAWS // 4, 4)
    counts: np.ndarray = np.bincount(drawn.ravel(), minlength=n_items) / DRAWS
    return counts


def test_uniform_draws_evenly_and_says_so() -> None:
    sampler = UniformSampler(8)
    np.testing.assert_allclose(shares(sampler, 8), 1 / 8, atol=0.005)
    np.testing.assert_allclose(sampler.log_q, np.log(1 / 8), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.75, 1.0])
def test_popularity_draws_as_it_says(alpha: float) -> None:
    counts = np.array([1.0, 10.0, 100.0, 5.0, 1.0])
    sampler = PopularitySampler(counts, alpha=alpha)
    expected = counts**alpha / (counts**alpha).sum()
    np.testing.assert_allclose(shares(sampler, 5), expected, atol=0.006)
    np.testing.assert_allclose(np.exp(sampler.log_q), expected, rtol=1e-5)


def test_an_item_without_count_is_not_drawn() -> None:
    sampler = PopularitySampler(np.array([0.0, 3.0, 1.0]))
    assert shares(sampler, 3)[0] == 0
    assert sampler.log_q[0] == -np.inf


@given(
    touched=st.lists(st.sets(st.integers(0, 9), max_size=9), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_never_what_a_user_touched(touched: list[set[int]], seed: int) -> None:
    users = np.array([u for u, items in enumerate(touched) for _ in items], np.int64)
    items = np.array([i for one in touched for i in one], np.int64)
    known = Touched.of(users, items, len(touched))
    asked = np.arange(len(touched), dtype=np.int64)
    counts = np.exp2(np.arange(10.0))
    for sampler in (
        UniformSampler(10, touched=known),
        PopularitySampler(counts, alpha=1.0, touched=known),
    ):
        drawn = sampler.draw(np.random.default_rng(seed), asked, 20)
        for user, row in enumerate(drawn):
            assert not set(row.tolist()) & touched[user]
            assert ((row >= 0) & (row < 10)).all()


def test_a_user_who_touched_everything_gets_anything() -> None:
    known = Touched.of(np.zeros(3, np.int64), np.arange(3), 1)
    drawn = UniformSampler(3, touched=known).draw(
        np.random.default_rng(0), np.zeros(1, np.int64), 9
    )
    assert ((drawn >= 0) & (drawn < 3)).all()


def test_one_seed_one_draw() -> None:
    sampler, users = UniformSampler(1000), np.zeros(5, np.int64)
    first = sampler.draw(np.random.default_rng(1), users, 3)
    np.testing.assert_array_equal(sampler.draw(np.random.default_rng(1), users, 3), first)
    assert not np.array_equal(sampler.draw(np.random.default_rng(2), users, 3), first)


def test_touched_is_sorted_and_without_duplicates() -> None:
    known = Touched.of(np.array([2, 0, 2, 2]), np.array([5, 1, 3, 5]), 4)
    np.testing.assert_array_equal(known.indptr, [0, 1, 1, 3, 3])
    np.testing.assert_array_equal(known.items, [1, 3, 5])
    assert known.n_items == 6
    assert Touched.nothing().n_items == 0


@pytest.mark.parametrize("counts", [[], [-1.0, 2.0], [np.nan, 1.0], [0.0, 0.0], [[1.0]]])
def test_counts_that_are_none_are_refused(counts: list[float]) -> None:
    with pytest.raises(DataError):
        PopularitySampler(np.array(counts))


def test_no_items_are_refused() -> None:
    with pytest.raises(DataError, match="0 items"):
        UniformSampler(0)


def test_items_beyond_the_counts_are_refused() -> None:
    with pytest.raises(DataError, match="touched 6 items, but 5"):
        UniformSampler(5, touched=Touched.of(np.array([0]), np.array([5]), 1))


def test_in_batch_says_how_often_an_item_comes_up() -> None:
    sampler = InBatchSampler(np.array([3.0, 1.0, 0.0]))
    np.testing.assert_allclose(sampler.log_q.exp(), [0.75, 0.25, 0.25])
    with pytest.raises(DataError, match="no item"):
        InBatchSampler(np.zeros(2))
