"""Compile a model's kernels on a few rows, so that the clock measures the model's own work."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from palate import columns as c
from palate.data.dataset import Dataset
from palate.evaluate.failures import FAILURES
from palate.models.base import Recommender

__all__ = ["warm_up"]

USERS = 20


def warm_up(model: Recommender[Any], train: Dataset, k: int) -> None:
    """Fit and ask a second object of the same class and config on the data of a few users.

    Compiling happens once on a machine and may take longer than fitting: charged to whichever
    model comes first, it would make the costs of a comparison depend on its order. A failure
    here says nothing, since so few rows may be too few; the real fit that follows will tell.
    """
    users = train.interactions[c.USER_ID].unique(maintain_order=True).head(USERS)
    few = train.interactions.filter(train.interactions[c.USER_ID].is_in(users.implode()))
    with suppress(*FAILURES):
        small = train.with_interactions(few).compact()
        twin = type(model)(model.config).fit(small)
        twin.top_k(small.histories, k)
        twin.top_k(small.histories.slice(0, 1), k)
