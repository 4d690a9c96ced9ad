"""Rating metrics against a plain reading of their formulas, and what they refuse."""

from __future__ import annotations

import math
from statistics import fmean, pvariance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.metrics.explained_variance import explained_variance
from palate.metrics.mae import mae
from palate.metrics.r2 import r2
from palate.metrics.registry import RATING
from palate.metrics.rmse import rmse

STARS = st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0])
PAIRS = st.lists(st.tuples(STARS, STARS), min_size=1, max_size=20)


@given(pairs=PAIRS)
def test_equal_the_plain_reading_of_the_formulas(pairs: list[tuple[float, float]]) -> None:
    truth, predicted = np.array(pairs).T
    errors = [a - b for a, b in pairs]
    ratings = [a for a, _ in pairs]
    squared = fmean([e * e for e in errors])
    assert rmse(truth, predicted) == pytest.approx(math.sqrt(squared))
    assert mae(truth, predicted) == pytest.approx(fmean([abs(e) for e in errors]))
    if pvariance(ratings) > 0:
        assert r2(truth, predicted) == pytest.approx(1 - squared / pvariance(ratings))
        share = 1 - pvariance(errors) / pvariance(ratings)
        assert explained_variance(truth, predicted) == pytest.approx(share)


@given(pairs=PAIRS)
def test_bounds(pairs: list[tuple[float, float]]) -> None:
    truth, predicted = np.array(pairs).T
    assert rmse(truth, predicted) >= mae(truth, predicted) - 1e-12 >= -1e-12
    assert r2(truth, predicted) <= explained_variance(truth, predicted) + 1e-12


@pytest.mark.parametrize("name", sorted(RATING))
def test_perfect_predictions(name: str) -> None:
    truth = np.array([1.0, 4.0, 5.0])
    best = 1.0 if RATING[name].higher_is_better else 0.0
    assert RATING[name].function(truth, truth) == best


def test_ratings_that_are_all_alike() -> None:
    alike = np.array([4.0, 4.0])
    assert r2(alike, alike) == explained_variance(alike, alike) == 1.0
    assert r2(alike, np.array([4.0, 3.0])) == explained_variance(alike, np.array([4.0, 3.0])) == 0


def test_one_rating() -> None:
    one = np.array([4.0])
    assert [f.function(one, one) for f in RATING.values()] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("name", sorted(RATING))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_predictions_are_counted_in_an_error(name: str, bad: float) -> None:
    with pytest.raises(DataError, match="2 of 3 predictions are NaN or infinite"):
        RATING[name].function(np.ones(3), np.array([bad, 1.0, bad]))


@pytest.mark.parametrize("name", sorted(RATING))
def test_nothing_to_compare_is_an_error(name: str) -> None:
    with pytest.raises(DataError, match="no ratings"):
        RATING[name].function(np.empty(0), np.empty(0))
    with pytest.raises(DataError, match="shape"):
        RATING[name].function(np.ones(2), np.ones(3))
