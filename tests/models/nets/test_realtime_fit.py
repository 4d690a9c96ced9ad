"""Training as a whole: what came late is not taken to be disliked."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.models.realtime import Realtime, RealtimeConfig

pytestmark = pytest.mark.usefixtures("one_thread")

N_EARLY = 8
N_ITEMS = 16
HOURS = 400


@pytest.fixture(scope="module")
def arrivals() -> Dataset:
    """Items liked alike; those from `N_EARLY` on came when half of the time was over.

    At each hour somebody takes one of those that are there, drawn evenly.
    """
    rng = np.random.default_rng(3)
    hours = np.repeat(np.arange(HOURS), 2)
    there = np.where(hours < HOURS // 2, N_EARLY, N_ITEMS)
    items = (rng.random(len(hours)) * there).astype(int)
    frame = pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in rng.integers(100, size=len(hours))],
            "item_id": [f"i{item:02d}" for item in items],
            "timestamp": hours * 3600,
        }
    )
    return Dataset.from_frames(frame)


def ahead_of_newcomers(dataset: Dataset, exposure: float) -> float:
    """By how much the early items' mean score exceeds that of the late ones, over everybody."""
    config = RealtimeConfig(
        epochs=10, batch_size=64, learning_rate=0.01, dimension=8, hidden=16, heads=1, recent=3,
        catalogue=0, rank=0.0, rerank="never", validation=0.0, id_dropout=0.0, repeats=True,
        exposure=exposure, seed=1,
    )  # fmt: skip
    model = Realtime(config).fit(dataset)
    scores = model.score_histories(dataset.histories).mean(axis=0)
    return float(scores[:N_EARLY].mean() - scores[N_EARLY:].mean()) / config.tau


def test_what_came_late_is_not_taken_to_be_disliked(arrivals: Dataset) -> None:
    """Early items were there for the whole time and taken thrice as often: ln 3 of log odds."""
    counted = ahead_of_newcomers(arrivals, exposure=0.0)
    freed = ahead_of_newcomers(arrivals, exposure=1.0)
    assert counted > 0.2
    assert counted - freed > 0.3


def test_a_rate_that_falls_moves_the_weights_less(arrivals: Dataset) -> None:
    """Over one epoch it is half of the steady rate on average; both begin alike."""
    start, steady, falling = (
        Realtime(
            RealtimeConfig(
                epochs=1, batch_size=64, learning_rate=rate, dimension=8, hidden=16, heads=1,
                recent=3, rank=0.0, rerank="never", validation=0.0, anneal=anneal, seed=1,
            )
        ).fit(arrivals).vectors
        for rate, anneal in ((1e-9, False), (0.01, False), (0.01, True))
    )  # fmt: skip
    moved = np.linalg.norm(falling - start) / np.linalg.norm(steady - start)
    assert 0.3 < moved < 0.8
