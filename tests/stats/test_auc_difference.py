"""The paired interval of two AUCs, against AUC itself and against draws written out."""

from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.metrics.auc import auc
from palate.stats.auc_difference import bootstrap_auc_difference


def rows(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    users = rng.integers(0, 30, n)
    labels = rng.integers(0, 2, n)
    return users, labels, labels + rng.normal(0, 1, n).round(1)  # rounding makes ties


def test_the_estimate_is_the_difference_of_both_aucs() -> None:
    users, labels, a = rows()
    b = a + np.random.default_rng(1).normal(0, 1, len(a))
    found = bootstrap_auc_difference(users, labels, a, b, rounds=50)
    assert found.estimate == pytest.approx(auc(labels, a) - auc(labels, b), abs=1e-12)
    assert found.low < found.estimate < found.high


def test_draws_are_aucs_over_rows_repeated_with_their_users() -> None:
    users, labels, a = rows(2, 60)
    b = np.random.default_rng(3).normal(size=60)
    found = bootstrap_auc_difference(users, labels, a, b, rounds=40, seed=7)
    distinct, of = np.unique(users, return_inverse=True)
    rng = np.random.default_rng(7)
    differences = []
    for _ in range(40):
        drawn = rng.integers(0, len(distinct), len(distinct))
        taken = np.concatenate([np.flatnonzero(of == user) for user in drawn])
        differences.append(auc(labels[taken], a[taken]) - auc(labels[taken], b[taken]))
    low, high = np.quantile(differences, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_a_model_against_itself_is_no_different() -> None:
    users, labels, a = rows()
    found = bootstrap_auc_difference(users, labels, a, a, rounds=20)
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)


def test_nan_sinks_below_everything() -> None:
    labels = np.array([1, 0, 1, 0])
    a = np.array([0.5, np.nan, 0.1, np.nan])
    found = bootstrap_auc_difference(np.zeros(4), labels, a, np.zeros(4), rounds=3)
    assert found.estimate == 0.5


def test_what_cannot_be_judged_is_refused() -> None:
    users, labels, a = rows()
    with pytest.raises(DataError, match="both"):
        bootstrap_auc_difference(users, np.ones_like(labels), a, a)
    with pytest.raises(DataError, match="0 and 1"):
        bootstrap_auc_difference(users, labels * 2, a, a)
    with pytest.raises(DataError, match="shapes"):
        bootstrap_auc_difference(users, labels, a, a[:-1])
    with pytest.raises(DataError, match="rounds"):
        bootstrap_auc_difference(users, labels, a, a, rounds=0)


def test_one_user_of_each_class_leaves_draws_out() -> None:
    found = bootstrap_auc_difference(
        np.array(["p", "n"]), np.array([1, 0]), np.array([1.0, 0.0]), np.zeros(2), rounds=50
    )
    assert (found.low, found.high) == (0.5, 0.5)
