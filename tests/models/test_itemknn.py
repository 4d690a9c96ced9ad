"""ItemKNN against its formulas, by hand and by brute force."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.models.itemknn import ItemKNN, ItemKNNConfig
from palate.models.similarity import SparseSimilarity
from palate.testing.rows import dataset, history, random_histories

ROWS = [
    ("u1", "a", 5.0, 0.0),
    ("u1", "b", 3.0, 0.0),
    ("u2", "a", 4.0, 0.0),
    ("u2", "b", 2.0, 0.0),
    ("u3", "b", 1.0, 0.0),
    ("u3", "c", 5.0, 0.0),
]
X = np.array([[5, 3, 0], [4, 2, 0], [0, 1, 5]], float)


def full(model: ItemKNN) -> np.ndarray:
    """S, 0 where items are no neighbours."""
    assert isinstance(model._similarity, SparseSimilarity)
    n = len(model.vocabulary)
    return np.nan_to_num(model._similarity.rows(np.arange(n, dtype=np.int32)))


@pytest.mark.parametrize(("binary", "h"), [(True, 0.0), (False, 0.0), (False, 7.5)])
def test_cosine_by_brute_force(binary: bool, h: float) -> None:
    model = ItemKNN(ItemKNNConfig(weighting="cosine", binary=binary, h=h)).fit(dataset(ROWS))
    x = (X > 0).astype(float) if binary else X
    norms = np.sqrt((x**2).sum(0))
    expected = x.T @ x / (np.outer(norms, norms) + h)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(full(model), expected, rtol=1e-12)
    np.testing.assert_allclose(
        model.score_histories(dataset(ROWS).histories), x @ expected, rtol=1e-12
    )


def test_tfidf_by_brute_force() -> None:
    model = ItemKNN(ItemKNNConfig(weighting="tfidf", binary=False)).fit(dataset(ROWS))
    idf = np.log(3 / (1 + (X > 0).sum(1)))[:, None]
    # Every user has two of three items here, so idf = ln(3 / 3) = 0 and nothing is alike.
    assert (idf == 0).all()
    assert (full(model) == 0).all()
    more = Dataset.from_frames(
        dataset(ROWS).interactions, items=pl.DataFrame({"item_id": list("abcde")})
    )
    model = ItemKNN(ItemKNNConfig(weighting="tfidf", binary=False)).fit(more)
    x = np.sqrt(X) * np.log(5 / (1 + (X > 0).sum(1)))[:, None]
    norms = np.sqrt((x**2).sum(0))
    expected = x.T @ x / np.outer(norms, norms)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(full(model)[:3, :3], expected, rtol=1e-12)


def test_bm25_by_brute_force() -> None:
    config = ItemKNNConfig(weighting="bm25", binary=False, K1=1.5, B=0.6)
    more = Dataset.from_frames(
        dataset(ROWS).interactions, items=pl.DataFrame({"item_id": list("abcde")})
    )
    model = ItemKNN(config).fit(more)
    r = np.hstack([X, np.zeros((3, 2))])
    length = r.sum(0)
    norm = 1 - 0.6 + 0.6 * length / length.mean()
    x = r * 2.5 / (1.5 * norm + r) * np.log(5 / (1 + (r > 0).sum(1)))[:, None]
    expected = x.T @ x
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(full(model), expected, rtol=1e-12)


def test_keeps_the_k_nearest() -> None:
    rng = np.random.default_rng(5)
    histories = random_histories(rng, 60, 12, 500)
    rows = [
        (f"u{u:02d}", f"i{i:02d}", 1.0, 0.0)
        for u, i in zip(histories.users(), histories.items, strict=True)
    ]
    data = dataset(rows)
    everything = full(ItemKNN(ItemKNNConfig(weighting="cosine", K=12)).fit(data))
    nearest = full(ItemKNN(ItemKNNConfig(weighting="cosine", K=3)).fit(data))
    for row, kept in zip(everything, nearest, strict=True):
        best = np.argsort(-row, kind="stable")[:3]
        assert set(np.flatnonzero(kept)) == set(best)
        np.testing.assert_array_equal(kept[best], row[best])


def test_disliked_items_do_not_count() -> None:
    model = ItemKNN(ItemKNNConfig(weighting="cosine")).fit(
        dataset([*ROWS, ("u4", "a", -5.0, 0.0), ("u4", "c", 2.0, 0.0)])
    )
    assert full(model)[0, 2] == 0  # only u4 touched both a and c
    assert (model.score_histories(history([0], 3, [-1.0])) == 0).all()


def test_a_repeated_event_counts_once_when_binary() -> None:
    model = ItemKNN(ItemKNNConfig(weighting="cosine")).fit(dataset(ROWS))
    once, thrice = history([0], 3), history([0, 0, 0], 3)
    np.testing.assert_array_equal(model.score_histories(once), model.score_histories(thrice))
