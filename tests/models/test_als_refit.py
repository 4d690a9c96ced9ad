"""A refit of both ALS models: it begins where the model stands, and knows new items."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import DataError, NotFittedError
from palate.models.als import ALS, ALSConfig
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.testing.rows import dataset, history

Either: TypeAlias = ALS | ExplicitALS
BOTH = pytest.mark.parametrize("kind", ["als", "explicit_als"])
LAST = "i20"


def rows() -> pl.DataFrame:
    """30 users of four tastes and 21 items, one of which only the later users touch."""
    rng = np.random.default_rng(4)
    return dataset(
        [
            (f"u{u:02d}", f"i{i:02d}", rng.normal(4.0 if u % 4 == i % 4 else 2.0, 0.3), 0.0)
            for u in range(30)
            for i in range(21)
            if rng.random() < (0.8 if u % 4 == i % 4 else 0.2) and (i < 20 or u >= 15)
        ]
    ).interactions


def yesterday() -> Dataset:
    """Without the last item, and without a tenth of the rest."""
    frame = rows().filter(pl.col("item_id") != LAST)
    return Dataset.from_frames(frame.filter(pl.int_range(pl.len()) % 10 != 0))


def make(kind: str, sweeps: int) -> Either:
    if kind == "als":
        return ALS(ALSConfig(f=5, iterations=sweeps, lambda_=0.05, solver="cholesky"))
    return ExplicitALS(ExplicitALSConfig(f=3, iterations=sweeps, lambda_=0.05))


def scores(model: Either, data: Dataset) -> np.ndarray:
    return np.asarray(model.score_histories(data.histories), np.float64)


@BOTH
def test_at_the_end_a_refit_of_the_same_data_stays(kind: str) -> None:
    data = yesterday()
    model = make(kind, 300).fit(data)
    before = scores(model, data)
    np.testing.assert_allclose(scores(model.refit(data, sweeps=1), data), before, atol=0.01)


@BOTH
def test_two_sweeps_from_yesterday_are_nearer_than_two_from_nothing(kind: str) -> None:
    today = Dataset.from_frames(rows())
    end = scores(make(kind, 300).fit(today), today)
    warm = make(kind, 300).fit(yesterday()).refit(today, sweeps=2)
    cold = make(kind, 2).fit(today)
    known = [today.item_vocabulary.row(f"i{i:02d}") for i in range(20)]
    apart = [np.abs(scores(m, today) - end)[:, known].mean() for m in (warm, cold)]
    assert apart[0] < 0.9 * apart[1]


@BOTH
def test_new_items_and_users_are_known_afterwards(kind: str) -> None:
    today = Dataset.from_frames(rows())
    model = make(kind, 30).fit(yesterday())
    assert LAST not in model.vocabulary
    model.refit(today)
    assert model.vocabulary == today.item_vocabulary
    new = np.array([model.vocabulary.row(LAST)], np.int32)
    assert not np.isnan(model.similar_rows(new, 3).scores).any()
    np.testing.assert_array_equal(model.popularity, make(kind, 1).fit(today).popularity)


@BOTH
def test_the_config_rules_again_after_a_refit(kind: str) -> None:
    data = yesterday()
    fresh = scores(make(kind, 4).fit(data), data)
    model = make(kind, 4).fit(data)
    model.refit(data)
    np.testing.assert_array_equal(scores(model.fit(data), data), fresh)


@BOTH
def test_an_interrupted_refit_leaves_no_model(kind: str) -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    model = make(kind, 4).fit(yesterday())
    with pytest.raises(KeyboardInterrupt):
        model.refit(yesterday(), progress=stop)
    with pytest.raises(NotFittedError):
        model.top_k(history([1], 20), 3)


@BOTH
def test_no_sweep_is_refused_and_changes_nothing(kind: str) -> None:
    data = yesterday()
    model = make(kind, 4).fit(data)
    before = scores(model, data)
    with pytest.raises(DataError, match="at least one sweep"):
        model.refit(data, sweeps=0)
    np.testing.assert_array_equal(scores(model, data), before)


@BOTH
def test_refit_before_fit_is_refused(kind: str) -> None:
    with pytest.raises(NotFittedError):
        make(kind, 4).refit(yesterday())
