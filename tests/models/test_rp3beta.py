"""RP3beta against walks multiplied out, and the laws of a recommender."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.rp3beta import RP3beta, RP3betaConfig
from palate.models.similarity import SparseSimilarity
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history

ROWS = [
    ("u1", "a", 5.0, 0.0),
    ("u1", "b", 3.0, 0.0),
    ("u2", "a", 4.0, 0.0),
    ("u2", "b", 2.0, 0.0),
    ("u3", "b", 1.0, 0.0),
    ("u3", "c", 5.0, 0.0),
]
X = np.array([[5, 3, 0], [4, 2, 0], [0, 1, 5]], float)


class TestRP3beta(ModelConformance):
    model = RP3beta()


class TestRP3betaRatings(ModelConformance):
    model = RP3beta(RP3betaConfig(alpha=0.7, beta=0.3, K=9, binary=False))


def full(model: RP3beta) -> np.ndarray:
    assert isinstance(model._similarity, SparseSimilarity)
    return np.nan_to_num(model._similarity.rows(np.arange(len(model.vocabulary), dtype=np.int32)))


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (1.0, 0.6), (0.5, 0.4), (1.7, 1.0)])
def test_three_steps_by_brute_force(alpha: float, beta: float, binary: bool) -> None:
    model = RP3beta(RP3betaConfig(alpha=alpha, beta=beta, binary=binary)).fit(dataset(ROWS))
    x = (X > 0).astype(float) if binary else X
    to_item = (x / x.sum(1, keepdims=True)) ** alpha
    to_user = (x / x.sum(0)).T ** alpha
    walk = to_user @ to_item / (X > 0).sum(0) ** beta
    np.fill_diagonal(walk, 0)
    np.testing.assert_allclose(full(model), walk, rtol=1e-12)
    np.testing.assert_allclose(
        model.score_histories(dataset(ROWS).histories), to_item @ walk, rtol=1e-12
    )


def test_a_plain_walk_is_a_probability() -> None:
    # With alpha = 1, beta = 0 a row of S, with the way back to the item itself, sums to 1.
    model = RP3beta(RP3betaConfig(alpha=1.0, beta=0.0)).fit(dataset(ROWS))
    x = (X > 0).astype(float)
    back = ((x / x.sum(0)).T @ (x / x.sum(1, keepdims=True))).diagonal()
    np.testing.assert_allclose(full(model).sum(1) + back, 1.0)


def test_beta_prefers_the_rare_item() -> None:
    # b and c are reached from a in the same way, but everybody has c.
    rows = [("u1", i) for i in "abc"] + [("u2", "c"), ("u3", "c")]
    data = dataset([(*r, 1.0, 0.0) for r in rows])
    even = RP3beta(RP3betaConfig(beta=0.0)).fit(data).score_histories(history([0], 3))[0]
    rare = RP3beta(RP3betaConfig(beta=0.5)).fit(data).score_histories(history([0], 3))[0]
    assert even[1] == even[2]
    assert rare[1] == pytest.approx(rare[2] * 3**0.5)


def test_keeps_the_k_best() -> None:
    everything = full(RP3beta(RP3betaConfig(K=3)).fit(dataset(ROWS)))
    nearest = full(RP3beta(RP3betaConfig(K=1)).fit(dataset(ROWS)))
    for row, kept in zip(everything, nearest, strict=True):
        best = int(np.argmax(row))
        assert np.flatnonzero(kept).tolist() == [best]
        assert kept[best] == row[best]


def test_a_disliked_item_is_not_walked() -> None:
    model = RP3beta().fit(dataset([*ROWS, ("u4", "a", -5.0, 0.0), ("u4", "c", 2.0, 0.0)]))
    assert full(model)[0, 2] == 0  # only u4 touched both a and c
    assert (model.score_histories(history([0], 3, [-1.0])) == 0).all()
