"""Paired tests: against scipy, against all sign patterns, and where nothing can be said."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.stats import PairedTest, paired_t, sign_flip, wilcoxon
from palate.types import Float64Array

Test = Callable[[Float64Array, Float64Array], PairedTest]
TESTS: list[Test] = [paired_t, wilcoxon, sign_flip]


def sample(seed: int, shift: float, n: int = 40) -> tuple[Float64Array, Float64Array]:
    rng = np.random.default_rng(seed)
    users = rng.random(n)
    return users + shift + rng.normal(scale=0.1, size=n), users


@pytest.mark.parametrize("seed", range(3))
def test_t_equals_scipy(seed: int) -> None:
    a, b = sample(seed, 0.03)
    expected = scipy.stats.ttest_rel(a, b)
    found = paired_t(a, b)
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


@given(d=st.lists(st.sampled_from([-4.0, -2.5, -1.0, 0.5, 1.5, 3.0]), unique=True, min_size=1))
def test_wilcoxon_of_few_pairs_is_exact(d: list[float]) -> None:
    """Sizes are distinct, so ranks are 1 to n and each sign pattern is as likely."""
    size = sorted(abs(x) for x in d)
    ranks = [size.index(abs(x)) + 1 for x in d]
    total = sum(ranks)
    above = sum(rank for rank, x in zip(ranks, d, strict=True) if x > 0)
    smaller = min(above, total - above)
    reached = [
        min(own, total - own) <= smaller
        for signs in product([0, 1], repeat=len(d))
        for own in [sum(s * rank for s, rank in zip(signs, ranks, strict=True))]
    ]
    found = wilcoxon(np.array(d), np.zeros(len(d)))
    assert found.statistic == smaller
    assert found.p_value == pytest.approx(sum(reached) / len(reached))


def test_wilcoxon_leaves_pairs_without_difference_out() -> None:
    a, b = sample(0, 0.03)
    padded = wilcoxon(np.append(a, [1.0, 2.0]), np.append(b, [1.0, 2.0]))
    assert (padded.statistic, padded.p_value) == (wilcoxon(a, b).statistic, wilcoxon(a, b).p_value)
    assert padded.n == wilcoxon(a, b).n + 2


@given(d=st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.1, 0.3, 1.0]), min_size=1, max_size=7))
def test_sign_flip_of_few_pairs_is_exact(d: list[float]) -> None:
    flipped = [
        abs(math.fsum(s * x for s, x in zip(signs, d, strict=True)))
        for signs in product([1, -1], repeat=len(d))
    ]
    expected = sum(value >= abs(math.fsum(d)) - 1e-9 for value in flipped) / len(flipped)
    assert sign_flip(np.array(d), np.zeros(len(d))).p_value == expected


def test_sign_flip_of_many_pairs_comes_near_the_t_test() -> None:
    a, b = sample(4, 0.03, n=200)
    assert sign_flip(a, b).p_value == pytest.approx(paired_t(a, b).p_value, abs=0.01)


def test_sign_flip_is_seeded_and_never_zero() -> None:
    a, b = sample(4, 5.0)
    assert sign_flip(a, b, rounds=99).p_value == 0.01
    a, b = sample(4, 0.02)
    assert sign_flip(a, b, seed=1) == sign_flip(a, b, seed=1)


@pytest.mark.parametrize("test", TESTS)
def test_a_clear_difference_is_found_and_chance_is_not(test: Test) -> None:
    assert test(*sample(7, 0.2)).p_value < 0.001
    assert test(*sample(7, 0.0)).p_value > 0.05


@pytest.mark.parametrize("test", TESTS)
def test_swapping_the_models_changes_no_p_value(test: Test) -> None:
    a, b = sample(8, 0.03)
    assert test(a, b).p_value == pytest.approx(test(b, a).p_value, abs=1e-12)


@pytest.mark.parametrize("test", TESTS)
def test_false_alarms_are_as_rare_as_promised(test: Test) -> None:
    alarms = sum(test(*sample(seed, 0.0, n=12)).p_value < 0.05 for seed in range(200))
    assert alarms <= 20  # 10 expected; more than 20 has a chance of one in a thousand


@pytest.mark.parametrize("test", TESTS)
def test_no_difference_anywhere_is_no_evidence(test: Test) -> None:
    same = np.array([0.1, 0.2, 0.9])
    found = test(same, same)
    assert (found.statistic, found.p_value, found.n) == (0.0, 1.0, 3)


@pytest.mark.parametrize("test", TESTS)
def test_one_user_is_no_evidence(test: Test) -> None:
    assert test(np.array([0.9]), np.array([0.1])).p_value == 1.0


@pytest.mark.parametrize("test", TESTS)
def test_nan_users_are_left_out_and_must_be_the_same(test: Test) -> None:
    a, b = np.array([0.1, 0.5, np.nan]), np.array([0.3, 0.2, np.nan])
    assert test(a, b) == test(a[:2], b[:2])
    with pytest.raises(DataError, match="count for one"):
        test(a, np.array([0.3, 0.2, 0.1]))
    with pytest.raises(DataError, match="nothing to test"):
        test(a[2:], b[2:])


def test_a_difference_without_spread_is_certain() -> None:
    found = paired_t(np.array([0.75, 0.5]), np.array([0.5, 0.25]))
    assert (found.statistic, found.p_value) == (math.inf, 0.0)


def test_no_patterns_are_refused() -> None:
    with pytest.raises(DataError, match="0 sign patterns"):
        sign_flip(np.ones(2), np.ones(2), rounds=0)
