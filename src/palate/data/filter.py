"""Explicit cleaning: each function takes a dataset and returns a smaller or simpler one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from palate import columns as c
from palate.config import EventType
from palate.data.dataset import Dataset
from palate.errors import DataError
from palate.types import BoolArray

__all__ = ["clip_values", "deduplicate", "k_core", "min_events", "only_events", "to_implicit"]


def k_core(dataset: Dataset, k: int) -> Dataset:
    """The largest part in which every user and every item has at least `k` interactions.

    Users and items outside it leave the vocabularies and attribute tables too. The part is
    unique: dropping in any order ends in the same one (Seidman 1983, the k-core of the
    bipartite graph).

    Raises:
        DataError: `k` is below 1, or nothing is left.
    """
    return _peel(dataset, per_user=k, per_item=k, repeat=True, what=f"{k}-core")


def min_events(dataset: Dataset, *, per_user: int = 1, per_item: int = 1) -> Dataset:
    """Drop items with fewer than `per_item` interactions, then users with fewer than `per_user`.

    One pass, so that an item may fall below its minimum when users go: `k_core` repeats.
    What is dropped leaves the vocabularies and attribute tables too.

    Raises:
        DataError: A minimum is below 1, or nothing is left.
    """
    what = f"at least {per_user} events a user and {per_item} an item"
    return _peel(dataset, per_user=per_user, per_item=per_item, repeat=False, what=what)


def deduplicate(dataset: Dataset) -> Dataset:
    """Of interactions with the same user, item and event type, the newest alone.

    Of equal (or unknown) times the last to arrive counts; the others keep their order.
    """
    frame = dataset.interactions.with_row_index("row")
    newest = (
        frame.sort([c.TIMESTAMP, "row"], nulls_last=False)
        .unique([c.USER_ID, c.ITEM_ID, c.EVENT], keep="last")
        .sort("row")
    )
    return dataset.with_interactions(newest.drop("row"))


def clip_values(dataset: Dataset, *, low: float, high: float) -> Dataset:
    """Values below `low` become `low`, above `high` become `high`; rows without stay so.

    Raises:
        DataError: `low` is above `high`.
    """
    if not low <= high:
        raise DataError(f"cannot clip between {low} and {high}: the first must be the lower")
    return dataset.with_interactions(
        dataset.interactions.with_columns(pl.col(c.VALUE).clip(low, high))
    )


def to_implicit(dataset: Dataset, *, threshold: float, event: str = "like") -> Dataset:
    """Ratings become likes: interactions with a value of `threshold` or more, each worth 1.

    Those below, and those without a value, go; vocabularies stay.

    Args:
        dataset: With values.
        threshold: The lowest value that counts, in the values' unit.
        event: The new event type, of weight 1, whose value is ignored.

    Raises:
        DataError: No interaction reaches the threshold.
    """
    kept = dataset.interactions.filter(pl.col(c.VALUE) >= threshold)
    _refuse_empty(kept, f"no interaction has a value of {threshold} or more")
    likes = kept.with_columns(pl.lit(event).alias(c.EVENT), pl.lit(None, pl.Float64).alias(c.VALUE))
    schema = dataset.schema.model_copy(update={"events": {event: EventType()}})
    return replace(dataset, interactions=likes, schema=schema)


def only_events(dataset: Dataset, events: Sequence[str]) -> Dataset:
    """Interactions of these event types; vocabularies stay.

    Raises:
        DataError: A type that no interaction has.
    """
    present = set(dataset.interactions[c.EVENT].unique())
    unknown = sorted(set(events) - present)
    if unknown or not events:
        raise DataError(f"no interaction is of type {unknown}", hint=f"there are {sorted(present)}")
    kept = dataset.interactions.filter(pl.col(c.EVENT).is_in(list(events)))
    return dataset.with_interactions(kept)


def _peel(dataset: Dataset, *, per_user: int, per_item: int, repeat: bool, what: str) -> Dataset:
    if per_user < 1 or per_item < 1:
        raise DataError(f"{what}: a minimum is at least 1")
    users, items = dataset.user_rows, dataset.item_rows
    kept: BoolArray = np.ones(len(dataset), np.bool_)
    while True:
        before = int(kept.sum())
        kept &= (np.bincount(items[kept], minlength=dataset.n_items) >= per_item)[items]
        kept &= (np.bincount(users[kept], minlength=dataset.n_users) >= per_user)[users]
        if not repeat or int(kept.sum()) == before:
            break
    left = dataset.interactions.filter(pl.Series(kept))
    _refuse_empty(left, f"{what}: nothing is left of {len(dataset)} interactions")
    return dataset.with_interactions(left).compact()


def _refuse_empty(interactions: pl.DataFrame, message: str) -> None:
    if interactions.is_empty():
        raise DataError(message, hint="lower the bound")
