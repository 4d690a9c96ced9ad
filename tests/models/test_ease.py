"""EASE against the definition: the constrained least squares problem, solved directly."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Dataset
from palate.errors import DataError
from palate.models.ease import EASE, EASEConfig
from palate.models.similarity import DenseSimilarity
from palate.testing.rows import dataset, random_histories

N_ITEMS = 150  # above two blocks of rows


@pytest.fixture(scope="module")
def data() -> Dataset:
    histories = random_histories(np.random.default_rng(3), 80, N_ITEMS, 3000)
    return dataset(
        [
            (f"u{u:02d}", f"i{i:03d}", abs(float(v)), 0.0)
            for u, i, v in zip(histories.users(), histories.items, histories.values, strict=True)
        ]
    )


@pytest.mark.parametrize("binary", [True, False])
def test_solves_the_constrained_problem(data: Dataset, binary: bool) -> None:
    model = EASE(EASEConfig(lambda_=50.0, binary=binary)).fit(data)
    assert isinstance(model._similarity, DenseSimilarity)
    b = model._similarity.matrix
    assert b.dtype == np.float32
    x = data.histories.matrix(binary=binary).toarray().astype(np.float64)
    assert x.shape == (80, N_ITEMS)
    for j in (0, 63, 64, N_ITEMS - 1):
        # Column j regresses item j on all others, ridge 50, without itself.
        others = np.delete(np.arange(N_ITEMS), j)
        a = x[:, others]
        ridge = np.linalg.solve(a.T @ a + 50.0 * np.eye(len(others)), a.T @ x[:, j])
        np.testing.assert_allclose(b[others, j], ridge, atol=2e-5)
    assert (np.diagonal(b) == 0).all()


def test_scores_are_the_history_times_b(data: Dataset) -> None:
    model = EASE(EASEConfig(lambda_=50.0)).fit(data)
    assert isinstance(model._similarity, DenseSimilarity)
    x = data.histories.matrix(binary=True).toarray()
    np.testing.assert_allclose(
        model.score_histories(data.histories), x @ model._similarity.matrix, atol=1e-5
    )


def test_too_many_items_are_refused_before_any_work(data: Dataset) -> None:
    with pytest.raises(DataError, match="its limit is 1e-05 GB") as refused:
        EASE(EASEConfig(memory_limit_gb=1e-5)).fit(data)
    assert refused.value.hint is not None
    assert "itemknn" in refused.value.hint
