"""Predicted ratings of the test part's pairs, for models that predict ratings."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from palate.data.histories import Histories
from palate.evaluate.ground import Ground, mapping
from palate.metrics import metric
from palate.models.base import Recommender
from palate.types import Float64Array

__all__ = ["RATING_METRICS", "UNPREDICTED", "rating_figures"]

RATING_METRICS: Final = ("rmse", "mae", "r2", "explained_variance")
UNPREDICTED: Final = "unpredicted_ratings"
CHUNK_CELLS = 1 << 22  # scores held at once


def rating_figures(model: Recommender[Any], ground: Ground) -> dict[str, float]:
    """Rating metrics over every test interaction, and the share that had no prediction.

    A pair without a prediction (a user without history, an item that the model does not
    know, a score that is NaN or infinite) is given the mean training value: leaving it out
    would reward a model for declining the hard pairs.
    """
    test = ground.test.histories.select(ground.users)
    predicted = _predict(model, ground, test)
    missing = ~np.isfinite(predicted)
    predicted[missing] = float(ground.train.histories.values.mean(dtype=np.float64))
    truth = test.values.astype(np.float64)
    figures = {name: float(metric(name).function(truth, predicted)) for name in RATING_METRICS}
    return {**figures, UNPREDICTED: float(missing.mean())}


def _predict(model: Recommender[Any], ground: Ground, test: Histories) -> Float64Array:
    """(n,) float64 in the order of `test`; NaN where the model does not say."""
    known = ground.histories_over(model.vocabulary)
    to_model = mapping(ground.test.item_vocabulary, model.vocabulary)
    items = test.items if to_model is None else to_model[test.items]
    predicted = np.full(len(test), np.nan)
    step = max(1, CHUNK_CELLS // max(1, len(model.vocabulary)))
    for start in range(0, known.n_users, step):
        stop = min(start + step, known.n_users)
        part = known.slice(start, stop)
        scores = model.score_histories(part)
        entries = slice(test.indptr[start], test.indptr[stop])
        rows = np.repeat(np.arange(stop - start), np.diff(test.indptr[start : stop + 1]))
        columns = items[entries]
        usable = (columns >= 0) & (np.diff(part.indptr)[rows] > 0)
        found = scores[rows, np.where(usable, columns, 0)]
        predicted[entries] = np.where(usable, found, np.nan)
    return predicted
