"""Intervals: what they exclude, and Wilson's at its ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from palate.errors import DataError
from palate.stats import Interval, wilson


@given(n=st.integers(1, 500), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(n: int, share: float, level: float) -> None:
    successes = round(share * n)
    found = wilson(successes, n, level=level)
    low, high = binomtest(successes, n).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


def test_wilson_at_its_ends() -> None:
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0
    assert 0.0 < wilson(0, 5).high < 0.5


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_proportion_is_refused(successes: int, n: int) -> None:
    with pytest.raises(DataError, match="no proportion"):
        wilson(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_an_impossible_level_is_refused(level: float) -> None:
    with pytest.raises(DataError, match="level"):
        wilson(1, 2, level=level)


def test_excludes() -> None:
    interval = Interval(0.1, 0.05, 0.2, 0.95)
    assert interval.excludes(0.0)
    assert interval.excludes(0.3)
    assert not interval.excludes(0.05)
    assert not Interval(math.nan, math.nan, math.nan, 0.95).excludes(0.0)
