"""AUC, GAUC and log loss against counted pairs and plain formulas."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.metrics.auc import auc
from palate.metrics.gauc import auc_by_user, gauc
from palate.metrics.log_loss import log_loss
from palate.stats import bootstrap_mean

SCORE = st.sampled_from([0.1, 0.2, 0.3, 0.4, math.nan])
ROW = st.tuples(st.integers(5, 8), st.booleans(), SCORE)
Rows = list[tuple[int, bool, float]]


def counted(rows: list[tuple[bool, float]]) -> float | None:
    """Won pairs over all pairs; NaN loses to everything but NaN."""
    low = [(label, -1.0 if math.isnan(score) else score) for label, score in rows]
    positives = [s for label, s in low if label]
    negatives = [s for label, s in low if not label]
    if not positives or not negatives:
        return None
    won = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return won / (len(positives) * len(negatives))


@given(rows=st.lists(ROW, min_size=1, max_size=25))
def test_auc_equals_pairwise_counting(rows: Rows) -> None:
    expected = counted([(label, score) for _, label, score in rows])
    labels, scores = [r[1] for r in rows], [r[2] for r in rows]
    if expected is None:
        with pytest.raises(DataError, match="both classes"):
            auc(labels, scores)
    else:
        assert auc(labels, scores) == pytest.approx(expected, abs=1e-12)


@given(rows=st.lists(ROW, min_size=1, max_size=25))
def test_gauc_equals_pairwise_counting_by_user(rows: Rows) -> None:
    by_user: dict[int, list[tuple[bool, float]]] = defaultdict(list)
    for user, label, score in rows:
        by_user[user].append((label, score))
    users = np.array([r[0] for r in rows])
    labels, scores = [r[1] for r in rows], [r[2] for r in rows]
    judged = [(counted(own), len(own)) for own in by_user.values()]
    weighted = [(value * n, n) for value, n in judged if value is not None]
    if not weighted:
        with pytest.raises(DataError, match="there is none"):
            gauc(users, labels, scores)
        return
    expected = sum(v for v, _ in weighted) / sum(n for _, n in weighted)
    assert gauc(users, labels, scores) == pytest.approx(expected, abs=1e-12)


@given(rows=st.lists(ROW, min_size=1, max_size=25), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows: Rows, seed: int) -> None:
    users, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    before, impressions = auc_by_user(users, labels, scores)
    after, same = auc_by_user(users[order], labels[order], scores[order])
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(impressions, same)


def test_one_class_users_are_left_out_of_gauc() -> None:
    values, impressions = auc_by_user(np.array([7, 7, 9]), [1, 0, 1], [0.9, 0.1, 0.5])
    assert values[0] == 1.0
    assert math.isnan(values[1])
    assert impressions.tolist() == [2, 1]


def test_gauc_is_the_weighted_mean_that_the_bootstrap_gives() -> None:
    rng = np.random.default_rng(0)
    users, labels, scores = rng.integers(0, 9, 200), rng.integers(0, 2, 200), rng.random(200)
    values, impressions = auc_by_user(users, labels, scores)
    interval = bootstrap_mean(values, weights=impressions.astype(np.float64), rounds=50)
    assert interval.estimate == pytest.approx(gauc(users, labels, scores))
    assert interval.low < interval.estimate < interval.high


def test_all_scores_tied_give_a_half() -> None:
    assert auc([1, 0, 0], [0.5, 0.5, 0.5]) == 0.5


def test_a_nan_score_sinks() -> None:
    assert auc([1, 0], [math.nan, -1e300]) == 0.0
    assert auc([0, 1], [math.nan, -math.inf]) == 0.5  # both are last


@given(rows=st.lists(st.tuples(st.booleans(), st.floats(0.001, 0.999)), min_size=1, max_size=20))
def test_log_loss_equals_the_plain_formula(rows: list[tuple[bool, float]]) -> None:
    expected = -sum(math.log(p if y else 1 - p) for y, p in rows) / len(rows)
    assert log_loss([r[0] for r in rows], [r[1] for r in rows]) == pytest.approx(expected)


def test_log_loss_of_a_confident_mistake_is_finite() -> None:
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-math.log(2.0**-52))
    assert log_loss([1, 0], [1.0, 0.0]) == pytest.approx(0.0, abs=1e-15)


def test_log_loss_needs_no_second_class() -> None:
    assert log_loss([1], [0.5]) == pytest.approx(math.log(2))


@pytest.mark.parametrize("score", [math.nan, -0.1, 1.1])
def test_log_loss_refuses_what_is_no_probability(score: float) -> None:
    with pytest.raises(DataError, match="1 of 2 scores"):
        log_loss([1, 0], [score, 0.5])


def test_labels_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(DataError, match="neither 0 nor 1"):
        auc([5, 0], [0.1, 0.2])
    with pytest.raises(DataError, match="no labels"):
        log_loss([], [])
    with pytest.raises(DataError, match="shape"):
        auc([1, 0], [0.1])
    with pytest.raises(DataError, match="users have shape"):
        gauc(np.array([1]), [1, 0], [0.1, 0.2])
