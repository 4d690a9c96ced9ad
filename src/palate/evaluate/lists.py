"""The lists that a model gives the users of a test part, in rows that the test part knows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from palate.errors import DataError
from palate.evaluate.ground import Ground, mapping
from palate.models.base import Recommender, TopK
from palate.types import Int32Array

__all__ = ["Lists", "ask"]


@dataclass(frozen=True)
class Lists:
    """A model's answers.

    Attributes:
        recommended: (n_users, k) int32 rows of the test part's items, best first; -1 where
            there are fewer, and for an item that the test part does not know.
        seconds: To rank all items for all users.
        nan_scores: Items that came without a score; taken out.
    """

    recommended: Int32Array
    seconds: float
    nan_scores: int


def ask(model: Recommender[Any], ground: Ground) -> Lists:
    """Ask `model` for its best items for every user that is judged.

    The model may know other items than the data (it may have been fitted on others): it is
    given histories in its own rows, and its answers are read in the test part's. Kernels are
    compiled by a first call for one user, which is not timed.

    Raises:
        DataError: The model's answer is malformed.
    """
    protocol = ground.protocol
    k, exclude_seen = protocol.k, protocol.exclude_seen
    histories = ground.histories_over(model.vocabulary)
    model.top_k(histories.slice(0, 1), k, exclude_seen=exclude_seen)
    start = time.perf_counter()
    top = model.top_k(histories, k, exclude_seen=exclude_seen)
    seconds = time.perf_counter() - start
    items = _checked(model, top, histories.n_users, k)
    unscored = (items >= 0) & np.isnan(top.scores)
    items = np.where(unscored, -1, items)
    to_test = mapping(model.vocabulary, ground.test.item_vocabulary)
    if to_test is not None:
        items = np.where(items >= 0, to_test[items], -1)
    recommended = np.full((histories.n_users, k), -1, np.int32)
    recommended[:, : items.shape[1]] = items
    return Lists(recommended, seconds, int(unscored.sum()))


def _checked(model: Recommender[Any], top: TopK, n_users: int, k: int) -> Int32Array:
    """(n_users, at most k) int32 rows, as the contract of a recommender says."""
    items = np.asarray(top.items)
    if items.ndim != 2 or len(items) != n_users or items.shape != np.shape(top.scores):
        raise DataError(
            f"{model.name} answered items of shape {items.shape} and scores of shape "
            f"{np.shape(top.scores)} for {n_users} users and k = {k}",
            hint="top_k gives (n_users, k) of both; palate.testing.ModelConformance checks it",
        )
    if items.shape[1] > k:
        raise DataError(f"{model.name} gave {items.shape[1]} items where {k} were asked for")
    n_items = len(model.vocabulary)
    if items.size and (items.max() >= n_items or items.min() < -1):
        raise DataError(f"{model.name} recommends rows outside its vocabulary of {n_items} items")
    return items.astype(np.int32)
