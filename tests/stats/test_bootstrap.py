"""Bootstrap by user: exact cases, coverage by construction, pairing, weights, NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.stats import bootstrap, bootstrap_difference, bootstrap_mean, bootstrap_means

FLOATS = st.floats(-10, 10)


@given(values=st.lists(FLOATS, min_size=1, max_size=30), seed=st.integers(0, 9))
def test_the_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    found = bootstrap_mean(np.array(values), rounds=50, seed=seed)
    assert found.estimate == pytest.approx(float(np.mean(values)), abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_the_same_seed_draws_the_same() -> None:
    values = np.random.default_rng(0).random(40)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_it_is_as_wide_as_theory_says() -> None:
    """A mean of n values has a standard error of sd / sqrt(n), and 95 % is 1.96 of them."""
    values = np.random.default_rng(1).normal(size=400)
    found = bootstrap_mean(values, rounds=4000)
    theory = 2 * 1.96 * values.std() / math.sqrt(len(values))
    assert found.high - found.low == pytest.approx(theory, rel=0.06)


def test_95_percent_of_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        found = bootstrap_mean(rng.random(60), rounds=300)
        held += found.low <= 0.5 <= found.high
    assert 0.90 <= held / 300 <= 0.985


def test_all_values_alike_leave_no_doubt() -> None:
    found = bootstrap_mean(np.full(7, 0.25), rounds=20)
    assert (found.low, found.estimate, found.high) == (0.25, 0.25, 0.25)


def test_one_user() -> None:
    found = bootstrap_mean(np.array([0.3]), rounds=20)
    assert (found.low, found.estimate, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_nan_users_are_left_out() -> None:
    values = np.array([0.1, np.nan, 0.9, 0.4, np.nan])
    assert bootstrap_mean(values) == bootstrap_mean(np.array([0.1, 0.9, 0.4]))


def test_means_of_several_metrics_are_those_of_each() -> None:
    rng = np.random.default_rng(5)
    columns = {name: rng.random(50) for name in "abc"}
    columns["b"][:20] = np.nan
    together = bootstrap_means(columns, rounds=200, seed=1)
    assert list(together) == ["a", "b", "c"]
    for name, values in columns.items():
        alone = bootstrap_mean(values, rounds=200, seed=1)
        assert (together[name].estimate, together[name].low, together[name].high) == pytest.approx(
            (alone.estimate, alone.low, alone.high)
        )


@pytest.mark.parametrize("cells", [1, 7, 100])
def test_memory_is_bounded_by_chunks(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).random(10)
    whole = bootstrap_mean(values, rounds=64)
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", cells)
    chunked = bootstrap_mean(values, rounds=64)
    assert (chunked.low, chunked.high) == pytest.approx((whole.low, whole.high))


def test_weights_make_a_weighted_mean() -> None:
    values, weights = np.array([1.0, 0.0, np.nan]), np.array([3.0, 1.0, 9.0])
    assert bootstrap_mean(values, weights=weights, rounds=50).estimate == 0.75


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan])
def test_impossible_weights_are_refused(weight: float) -> None:
    with pytest.raises(DataError, match="weight"):
        bootstrap_mean(np.array([1.0, 2.0]), weights=np.array([1.0, weight]))


def test_pairing_takes_away_what_users_differ_in() -> None:
    rng = np.random.default_rng(6)
    users = rng.random(200) * 10
    a, b = users + 0.1 + rng.normal(scale=0.05, size=200), users
    paired, apart = bootstrap_difference(a, b), bootstrap_mean(a)
    assert paired.excludes(0.0)
    assert paired.estimate == pytest.approx(0.1, abs=0.02)
    assert paired.high - paired.low < (apart.high - apart.low) / 20


def test_a_model_against_itself() -> None:
    a = np.array([0.1, 0.7, np.nan])
    found = bootstrap_difference(a, a)
    assert (found.low, found.estimate, found.high) == (0.0, 0.0, 0.0)


def test_models_judged_on_other_users_are_refused() -> None:
    with pytest.raises(DataError, match="1 users count for one"):
        bootstrap_difference(np.array([0.1, np.nan]), np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="shapes"):
        bootstrap_difference(np.ones(2), np.ones(3))


@pytest.mark.parametrize("values", [np.array([np.nan]), np.empty(0), np.ones((2, 2))])
def test_no_value_left_is_an_error(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="no user has a value"):
        bootstrap_mean(values)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(DataError, match="0 bootstrap rounds"):
        bootstrap_mean(np.ones(2), rounds=0)
    with pytest.raises(DataError, match="weights have shape"):
        bootstrap_mean(np.ones(2), weights=np.ones(3))
