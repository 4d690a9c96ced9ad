"""The same recommendations judged by `recommenders` 1.2.1: equal where definitions are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.metrics import ranking_metrics

# What recommenders.evaluation.python_evaluation 1.2.1 gives for the lists below.
PEER = {
    "precision": 0.22873806998939553,
    "recall": 0.11318818987173238,
    "ndcg": 0.25235268899340646,
    "map": 0.05595888435462207,
}


@pytest.mark.data
def test_most_popular_on_movielens_100k(palate_data: Path) -> None:
    """The ten most popular unseen films for everybody, ties by item id."""
    split = pl.read_parquet(palate_data / "ml-100k" / "split_stratified75.parquet")
    train, truth = split.filter(~pl.col("is_test")), split.filter("is_test")
    users, items = train["user_id"].to_numpy(), train["item_id"].to_numpy()
    scores = np.tile(np.bincount(items).astype(np.float64), (users.max() + 1, 1))
    scores[users, items] = -1.0
    best = np.argsort(-scores, axis=1, kind="stable")[1:, :10]
    predictions = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(1, len(best) + 1, dtype=np.int32), 10),
            "item_id": best.ravel(),
            "rank": np.tile(np.arange(1, 11), len(best)),
        }
    )
    found = ranking_metrics(truth, predictions, k=10, metrics=tuple(PEER))
    assert found == pytest.approx(PEER, abs=1e-9)
