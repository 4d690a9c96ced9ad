"""Metrics from frames: any id type, any frame, the same numbers as from rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import ConfigError, DataError
from palate.metrics import Ranking, Relevant, mean_of, ranking_metrics, rating_metrics
from palate.metrics.registry import RANKING

ALL = tuple(RANKING)

TRUTH = pl.DataFrame(
    {"user_id": [10, 10, 10, 20, 30], "item_id": [1, 2, 3, 1, 4], "value": [1.0, 2, 3, 1, 2]}
)
PREDICTIONS = pl.DataFrame(
    {
        "user_id": [20, 10, 10, 10, 20, 99],
        "item_id": [8, 1, 9, 3, 1, 4],
        "score": [0.9, 0.9, 0.8, 0.7, 0.1, 1.0],
    }
)


def by_rows() -> Ranking:
    """The same case, written down as rows: users 10, 20, 30; item rows are the ids."""
    relevant = Relevant.from_pairs(
        np.array([0, 0, 0, 1, 2]),
        np.array([1, 2, 3, 1, 4]),
        np.array([1.0, 2.0, 3.0, 1.0, 2.0]),
        n_users=3,
    )
    return Ranking(np.array([[1, 9, 3], [8, 1, -1], [-1, -1, -1]], np.int32), relevant)


EXPECTED = {name: mean_of(RANKING[name].function(by_rows(), 3)) for name in ALL}

ID_TYPES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "int64": lambda ids: ids,
    "uint8": lambda ids: ids.cast(pl.UInt8),
    "far apart": lambda ids: ids * 1_000_003_000 - 5,
    "negative": lambda ids: -ids,
    "string": lambda ids: pl.format("id-{}", ids),
    "categorical": lambda ids: pl.format("id-{}", ids).cast(pl.Categorical),
}


@pytest.mark.parametrize("kind", ID_TYPES)
def test_any_integer_or_string_id_gives_the_same(kind: str) -> None:
    ids = ID_TYPES[kind](pl.col("user_id", "item_id"))
    if kind in ("string", "categorical"):  # a format takes one column at a time
        ids_of = [ID_TYPES[kind](pl.col(n)).alias(n) for n in ("user_id", "item_id")]
        truth, predictions = TRUTH.with_columns(ids_of), PREDICTIONS.with_columns(ids_of)
    else:
        truth, predictions = TRUTH.with_columns(ids), PREDICTIONS.with_columns(ids)
    assert ranking_metrics(truth, predictions, k=3, metrics=ALL) == pytest.approx(EXPECTED)


@pytest.mark.parametrize("to", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_pandas_and_arrow_frames_give_the_same(to: Callable[[pl.DataFrame], Any]) -> None:
    found = ranking_metrics(to(TRUTH), to(PREDICTIONS), k=3, metrics=ALL)
    assert found == pytest.approx(EXPECTED)


def test_rank_does_what_score_does_and_wins_over_it() -> None:
    ranked = PREDICTIONS.with_columns(
        pl.col("score").rank("ordinal", descending=True).over("user_id").alias("rank")
    )
    assert ranking_metrics(TRUTH, ranked.drop("score"), k=3, metrics=ALL) == pytest.approx(EXPECTED)
    upside_down = ranked.with_columns(-pl.col("score"))
    assert ranking_metrics(TRUTH, upside_down, k=3, metrics=ALL) == pytest.approx(EXPECTED)


@given(seed=st.integers(0, 999))
def test_the_order_of_rows_does_not_matter_without_ties(seed: int) -> None:
    truth = TRUTH.sample(fraction=1.0, shuffle=True, seed=seed)
    predictions = PREDICTIONS.sample(fraction=1.0, shuffle=True, seed=seed + 1)
    found = ranking_metrics(truth, predictions, k=3, metrics=ALL)
    assert found == pytest.approx(EXPECTED, abs=1e-12)


def test_ties_keep_the_order_of_the_table() -> None:
    truth = pl.DataFrame({"user_id": [1], "item_id": [7]})
    tied = pl.DataFrame({"user_id": [1, 1, 1], "item_id": [5, 7, 6], "score": [0.5, 0.5, 0.5]})
    assert ranking_metrics(truth, tied, metrics=["mrr"]) == {"mrr": 0.5}


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_nan_or_null_score_never_ranks(nothing: float | None) -> None:
    truth = pl.DataFrame({"user_id": [1], "item_id": [7]})
    predictions = pl.DataFrame(
        {"user_id": [1, 1], "item_id": [7, 8], "score": [nothing, -math.inf]}
    )
    assert ranking_metrics(truth, predictions, metrics=["recall"]) == {"recall": 0.0}


def test_repeated_rows_of_the_truth_count_once() -> None:
    twice = pl.concat([TRUTH, TRUTH])
    assert ranking_metrics(twice, PREDICTIONS, k=3, metrics=ALL) == pytest.approx(EXPECTED)


def test_no_predictions_give_zero() -> None:
    found = ranking_metrics(TRUTH, PREDICTIONS.clear(), metrics=ALL)
    assert found == dict.fromkeys(ALL, 0.0)


def test_a_cut_off_of_its_own_wins() -> None:
    found = ranking_metrics(TRUTH, PREDICTIONS, k=1, metrics=["ndcg", "ndcg@3"])
    assert found["ndcg@3"] == pytest.approx(EXPECTED["ndcg"])
    assert found["ndcg"] == pytest.approx(1 / 3)


def test_one_user_and_one_item() -> None:
    one = pl.DataFrame({"user_id": ["u"], "item_id": ["i"], "score": [1.0], "value": [1]})
    assert ranking_metrics(one, one, k=1, metrics=ALL) == dict.fromkeys(ALL, 1.0)


@pytest.mark.parametrize(
    ("truth", "predictions", "says"),
    [
        (TRUTH.clear(), PREDICTIONS, "no rows"),
        (TRUTH.drop("item_id"), PREDICTIONS, "truth lacks column 'item_id'"),
        (TRUTH, PREDICTIONS.drop("score"), "predictions lacks column 'score'"),
        (TRUTH, PREDICTIONS.cast({"user_id": pl.String}), "Int64 in the truth and String"),
        (TRUTH.cast({"user_id": pl.Float64}), PREDICTIONS, "ids are strings or integers"),
        (TRUTH.with_columns(item_id=None).cast({"item_id": pl.Int64}), PREDICTIONS, "5 ids"),
        (TRUTH, PREDICTIONS.cast({"score": pl.String}), "numbers are needed"),
    ],
)
def test_bad_frames_are_refused(truth: pl.DataFrame, predictions: pl.DataFrame, says: str) -> None:
    with pytest.raises(DataError, match=says):
        ranking_metrics(truth, predictions)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(DataError, match="cannot read a list"):
        ranking_metrics([1, 2], PREDICTIONS)  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [["rmse"], ["nope"], ["ndcg@0"], []])
def test_impossible_metrics_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigError):
        ranking_metrics(TRUTH, PREDICTIONS, metrics=names)


def test_k_below_1_is_refused() -> None:
    with pytest.raises(ConfigError, match="k is 0"):
        ranking_metrics(TRUTH, PREDICTIONS, k=0)


RATINGS = pl.DataFrame({"user_id": ["a", "a", "b"], "item_id": [1, 2, 1], "value": [5, 3, 1]})
GUESSES = pl.DataFrame(
    {"user_id": ["b", "a", "a", "c"], "item_id": [1, 2, 1, 1], "score": [2.0, 3.0, 4.0, 9.0]}
)


def test_rating_metrics_join_on_both_ids() -> None:
    assert rating_metrics(RATINGS, GUESSES) == pytest.approx(
        {"rmse": math.sqrt(2 / 3), "mae": 2 / 3, "r2": 0.75, "explained_variance": 0.75}
    )


def test_a_rating_without_prediction_is_counted_in_an_error() -> None:
    with pytest.raises(DataError, match="2 of 3 predictions"):
        rating_metrics(RATINGS, GUESSES.filter(pl.col("user_id") != "a"))


def test_a_pair_predicted_twice_is_refused() -> None:
    with pytest.raises(DataError, match="twice"):
        rating_metrics(RATINGS, pl.concat([GUESSES, GUESSES]))


def test_rating_ids_of_another_type_are_refused() -> None:
    with pytest.raises(DataError, match="differ in type"):
        rating_metrics(RATINGS, GUESSES.cast({"item_id": pl.String}))


def test_a_ranking_metric_is_no_rating_metric() -> None:
    with pytest.raises(ConfigError, match="rmse"):
        rating_metrics(RATINGS, GUESSES, metrics=["ndcg"])
