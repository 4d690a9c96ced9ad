"""Each path of a fitted model run once, so that no request waits for the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np

from palate.data.histories import Histories
from palate.models.base import Recommender

__all__ = ["warm"]


def warm(model: Recommender[Any]) -> None:
    """Score, rank, compare and explain for an invented user; nothing is kept.

    Compiled kernels come from numba's cache where there is one, else they are compiled now.

    Raises:
        NotFittedError: Before `fit` or `load`.
    """
    n_items = len(model.vocabulary)
    history = Histories(
        np.array([0, 1], np.int64),
        np.zeros(1, np.int32),
        np.ones(1, np.float32),
        np.zeros(1, np.int64),
        n_items,
    )
    model.top_k(history, 1)
    model.top_k(history, 1, exclude_seen=False, candidates=np.zeros(1, np.int32))
    model.top_k(Histories.empty(1, n_items), 1)
    if "similar_items" in model.capabilities:
        model.similar_rows(np.zeros(1, np.int32), 1)
    if "explain" in model.capabilities:
        model.explain_history(history, 0)
