"""SLIM against a general solver, its optimality conditions, and the laws of a recommender."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from palate.data import Dataset
from palate.models.similarity import SparseSimilarity
from palate.models.slim import SLIM, SLIMConfig
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history, random_histories

N_ITEMS = 70  # above one block of items
LAMBDA, BETA = 0.7, 4.0


class TestSLIM(ModelConformance):
    model = SLIM(SLIMConfig(lambda_=0.5, beta=10.0))


@pytest.fixture(scope="module")
def data() -> Dataset:
    histories = random_histories(np.random.default_rng(3), 50, N_ITEMS, 1500)
    return dataset(
        [
            (f"u{u:02d}", f"i{i:03d}", abs(float(v)), 0.0)
            for u, i, v in zip(histories.users(), histories.items, histories.values, strict=True)
        ]
    )


def weights(model: SLIM) -> np.ndarray:
    """W, column j what the others say of j."""
    assert isinstance(model._similarity, SparseSimilarity)
    return np.nan_to_num(model._similarity.rows(np.arange(len(model.vocabulary), dtype=np.int32)))


@pytest.mark.parametrize("binary", [True, False])
def test_no_small_step_improves_any_weight(data: Dataset, binary: bool) -> None:
    # The conditions of Karush, Kuhn and Tucker; the problem is convex, so they are enough.
    w = weights(SLIM(SLIMConfig(lambda_=LAMBDA, beta=BETA, binary=binary)).fit(data))
    x = data.histories.matrix(binary=binary).toarray().astype(np.float64)
    gradient = x.T @ (x @ w - x) + BETA * w + LAMBDA
    outside = ~np.eye(N_ITEMS, dtype=bool)
    scale = (x**2).sum(0)[:, None] * np.ones(N_ITEMS)
    assert (w >= 0).all()
    assert (np.diagonal(w) == 0).all()
    assert 0.02 < (w > 0).mean() < 0.9  # sparse, and not empty
    used = outside & (w > 0)
    assert np.abs(gradient[used] / scale[used]).max() < 2e-3
    idle = outside & (w == 0)
    assert (gradient[idle] / scale[idle]).min() > -2e-3


def test_one_column_by_a_general_solver(data: Dataset) -> None:
    w = weights(SLIM(SLIMConfig(lambda_=LAMBDA, beta=BETA)).fit(data))
    x = data.histories.matrix(binary=True).toarray().astype(np.float64)
    for j in (0, 64, N_ITEMS - 1):
        others = np.delete(np.arange(N_ITEMS), j)
        a, target = x[:, others], x[:, j]

        def loss(v: np.ndarray, a: np.ndarray = a, target: np.ndarray = target) -> float:
            rest = target - a @ v
            return float(rest @ rest / 2 + BETA / 2 * v @ v + LAMBDA * v.sum())

        start = np.full(len(others), 0.01)
        found = minimize(loss, start, method="L-BFGS-B", bounds=[(0, None)] * len(others))
        np.testing.assert_allclose(w[others, j], found.x, atol=5e-3)
        assert loss(w[others, j]) <= found.fun + 1e-3


def test_a_high_penalty_leaves_nothing_and_popular_items_answer(data: Dataset) -> None:
    model = SLIM(SLIMConfig(lambda_=1e6)).fit(data)
    assert (weights(model) == 0).all()
    best = model.top_k(history([3], N_ITEMS), 1).items[0, 0]
    popularity = model.popularity.copy()
    popularity[3] = 0
    assert best == np.argmax(popularity)


def test_scores_are_the_history_times_w(data: Dataset) -> None:
    model = SLIM(SLIMConfig(lambda_=LAMBDA, beta=BETA)).fit(data)
    x = data.histories.matrix(binary=True).toarray()
    np.testing.assert_allclose(model.score_histories(data.histories), x @ weights(model), atol=1e-9)


def test_two_items_by_hand() -> None:
    # a: u1 u2, b: u1 u2 u3. w_ab = (x_a'x_b - lambda) / (x_a'x_a + beta) = (2 - 1) / (2 + 3)
    rows = [("u1", "a"), ("u2", "a"), ("u1", "b"), ("u2", "b"), ("u3", "b")]
    model = SLIM(SLIMConfig(lambda_=1.0, beta=3.0)).fit(dataset([(*r, 1.0, 0.0) for r in rows]))
    np.testing.assert_allclose(weights(model), [[0, 1 / 5], [1 / 6, 0]])


def test_a_disliked_item_says_nothing() -> None:
    rows = [("u1", "a", 5.0, 0.0), ("u1", "b", -5.0, 0.0), ("u2", "a", 1.0, 0.0)]
    model = SLIM(SLIMConfig(lambda_=0.1, beta=1.0)).fit(dataset(rows))
    assert (weights(model) == 0).all()


def test_one_sweep_is_allowed(data: Dataset) -> None:
    once = weights(SLIM(SLIMConfig(lambda_=LAMBDA, beta=BETA, sweeps=1)).fit(data))
    whole = weights(SLIM(SLIMConfig(lambda_=LAMBDA, beta=BETA)).fit(data))
    assert (once >= 0).all()
    assert not np.allclose(once, whole)
