"""Accuracy on MovieLens 100K, the 75/25 split of the `recommenders` benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.build import build

pytestmark = pytest.mark.data

K = 10


def figures(name: str, parts: tuple[Dataset, Dataset]) -> dict[str, float]:
    """NDCG, MAP over all relevant items, precision and recall at 10, means over test users."""
    train, test = parts
    top = build(name).fit(train).top_k(train.histories, K).items
    truth = test.histories
    relevant = np.zeros((truth.n_users, truth.n_items), np.bool_)
    relevant[truth.users(), truth.items] = True
    n = relevant.sum(axis=1)
    hits = relevant[np.arange(len(n))[:, None], top] & (top >= 0)
    hits, n = hits[n > 0], n[n > 0]
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(discount)[np.minimum(n, K) - 1]
    precision_at = np.cumsum(hits, axis=1) / np.arange(1, K + 1)
    return {
        "ndcg": float(np.mean(hits @ discount / ideal)),
        "map": float(np.mean((hits * precision_at).sum(axis=1) / n)),
        "precision": float(hits.mean()),
        "recall": float(np.mean(hits.sum(axis=1) / n)),
    }


def test_sar_gives_the_published_figures(parts: tuple[Dataset, Dataset]) -> None:
    assert figures("sar", parts) == pytest.approx(
        {"ndcg": 0.393819, "map": 0.114038, "precision": 0.340615, "recall": 0.185377}, abs=1e-6
    )


@pytest.mark.parametrize(
    ("model", "least"), [("popular", 0.25), ("itemknn", 0.41), ("ease", 0.47), ("blend", 0.47)]
)
def test_ndcg_with_defaults(model: str, least: float, parts: tuple[Dataset, Dataset]) -> None:
    assert figures(model, parts)["ndcg"] > least
