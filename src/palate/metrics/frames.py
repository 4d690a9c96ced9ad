"""Metrics straight from frames: a table of what was right, a table of what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.data.frames import to_polars
from palate.errors import ConfigError, DataError
from palate.metrics.codes import codes
from palate.metrics.kernels.best import best_rows
from palate.metrics.ranking import Ranking, mean_of
from palate.metrics.registry import RANKING, RATING, parse
from palate.metrics.relevant import Relevant
from palate.types import Float64Array

__all__ = ["ranking_metrics", "rating_metrics"]


def ranking_metrics(
    truth: IntoDataFrame,
    predictions: IntoDataFrame,
    *,
    k: int = 10,
    metrics: Sequence[str] = ("precision", "recall", "ndcg", "map"),
) -> dict[str, float]:
    """Mean ranking metrics over the users of `truth`.

    A user without predictions counts zero, a predicted user who is not in the truth is
    ignored. Repeated pairs in the truth count once. A null or NaN score never ranks; ties
    keep the order of the table.

    >>> truth = pl.DataFrame({"user_id": [1, 1, 2], "item_id": [7, 8, 9]})
    >>> predictions = pl.DataFrame(
    ...     {"user_id": [1, 1, 2], "item_id": [7, 3, 4], "score": [0.9, 0.8, 0.7]}
    ... )
    >>> ranking_metrics(truth, predictions, k=2, metrics=["precision", "recall", "mrr@1"])
    {'precision': 0.25, 'recall': 0.25, 'mrr@1': 0.5}

    Args:
        truth: user_id and item_id, of integers or strings; every row is relevant. `value`
            holds grades where `ndcg_graded` is asked for.
        predictions: user_id and item_id of the same types, and `rank` (1 is best; it wins
            where both are there) or `score` (higher is better).
        k: Cut-off of the metrics that name none.
        metrics: Names of ranking metrics, `ndcg` or `ndcg@5`.

    Returns:
        Name as given to mean.

    Raises:
        ConfigError: No such ranking metric, or an impossible cut-off.
        DataError: A column is missing, an id is null, id types differ, or the truth is empty.
    """
    chosen = {text: parse(text, k=k) for text in metrics}
    for text, at in chosen.items():
        if at.metric.name not in RANKING:
            raise ConfigError(f"{text!r} is not a ranking metric", hint=f"{', '.join(RANKING)}")
    cuts = {text: at.k or k for text, at in chosen.items()}
    if not chosen or min(cuts.values()) < 1:
        raise ConfigError(f"k is {k} for metrics {list(metrics)}; name at least one, k from 1")
    graded = any(at.metric.name == "ndcg_graded" for at in chosen.values())
    ranking = _ranking(to_polars(truth), to_polars(predictions), max(cuts.values()), graded)
    return {
        text: mean_of(RANKING[at.metric.name].function(ranking, cuts[text]))
        for text, at in chosen.items()
    }


def rating_metrics(
    truth: IntoDataFrame,
    predictions: IntoDataFrame,
    *,
    metrics: Sequence[str] = ("rmse", "mae", "r2", "explained_variance"),
) -> dict[str, float]:
    """Rating metrics over the rows of `truth`, each of which needs a prediction.

    >>> truth = pl.DataFrame({"user_id": [1, 1], "item_id": [7, 8], "value": [4.0, 1.0]})
    >>> predictions = pl.DataFrame({"user_id": [1, 1], "item_id": [8, 7], "score": [3.0, 4.0]})
    >>> rating_metrics(truth, predictions, metrics=["mae"])
    {'mae': 1.0}

    Args:
        truth: user_id, item_id and `value`, the rating.
        predictions: user_id and item_id of the same types, distinct pairs, and `score`.
        metrics: Names of rating metrics.

    Returns:
        Name to value.

    Raises:
        ConfigError: No such rating metric.
        DataError: A column is missing, a pair is predicted twice, or ratings have no
            prediction or a NaN one; it says how many.
    """
    for name in metrics:
        if name not in RATING:
            raise ConfigError(f"{name!r} is not a rating metric", hint=f"{', '.join(RATING)}")
    right, said = to_polars(truth), to_polars(predictions)
    _need(right, "the truth", c.USER_ID, c.ITEM_ID, c.VALUE)
    _need(said, "predictions", c.USER_ID, c.ITEM_ID, c.SCORE)
    pair = [c.USER_ID, c.ITEM_ID]
    if said.select(pair).is_duplicated().any():
        raise DataError("predictions name a pair of user and item twice", hint="keep one of them")
    try:
        joined = right.select(*pair, c.VALUE).join(said.select(*pair, c.SCORE), on=pair, how="left")
    except pl.exceptions.SchemaError as error:
        raise DataError(f"ids of the truth and of predictions differ in type: {error}") from error
    values, scores = _floats(joined[c.VALUE]), _floats(joined[c.SCORE])
    return {name: RATING[name].function(values, scores) for name in metrics}


def _ranking(truth: pl.DataFrame, predictions: pl.DataFrame, k: int, graded: bool) -> Ranking:  # noqa: FBT001
    """Ids become rows of the truth's users and items; what is not there can be no hit."""
    _need(truth, "the truth", c.USER_ID, c.ITEM_ID, *([c.VALUE] if graded else []))
    by_rank = c.RANK in predictions.columns
    _need(predictions, "predictions", c.USER_ID, c.ITEM_ID, c.RANK if by_rank else c.SCORE)
    if truth.is_empty():
        raise DataError("the truth has no rows, so there is nobody to judge predictions for")
    users, predicted_users, n_users = codes(truth[c.USER_ID], predictions[c.USER_ID])
    items, predicted_items, _ = codes(truth[c.ITEM_ID], predictions[c.ITEM_ID])
    grades = _floats(truth[c.VALUE]) if graded else None
    worth = _floats(predictions[c.RANK if by_rank else c.SCORE])
    rows = best_rows(predicted_users, -worth if by_rank else worth, n_users, k)
    # Row -1 (nothing there) reads the sentinel that stands last.
    listed = np.append(predicted_items, -1)[rows].astype(np.int32)
    return Ranking(listed, Relevant.from_pairs(users, items, grades, n_users=n_users))


def _need(frame: pl.DataFrame, what: str, *names: str) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"{what} lacks column {', '.join(map(repr, missing))}; it has {frame.columns}",
            hint="rename the columns first",
        )


def _floats(series: pl.Series) -> Float64Array:
    """(n,) float64, NaN where null."""
    if not series.dtype.is_numeric():
        raise DataError(f"column {series.name!r} is {series.dtype}; numbers are needed")
    return np.asarray(series.cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.float64)
