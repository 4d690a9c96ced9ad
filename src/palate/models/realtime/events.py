"""What everybody did, by user and time, with the type of each event."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.dataset import Dataset, epoch_us
from palate.data.histories import Histories
from palate.types import BoolArray, Int32Array, Int64Array

__all__ = ["LEFT_ALONE", "Events", "outcomes_of"]

LEFT_ALONE: Final = -1  # the type of an item that was shown and not taken
_AROUND: Final = 1 << 31  # seconds: longer than any time between two events
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Events:
    """Entries of histories with their types.

    Attributes:
        histories: Oldest first within a user; values of 0 or less are what was left alone.
        types: (n,) int32, place of each event's type in `outcomes`; `LEFT_ALONE` for others.
        outcomes: Event types that are worth more than 0, by name.
    """

    histories: Histories
    types: Int32Array
    outcomes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        served: pl.DataFrame | None = None,
        *,
        outcomes: tuple[str, ...] | None = None,
    ) -> Events:
        """All events of a dataset.

        Args:
            dataset: Its interactions.
            served: What was shown, as `data.outcomes.join_outcomes` gives it: an item none of
                whose outcomes happened was left alone.
            outcomes: In this order; those that `outcomes_of` finds, by default.
        """
        whole = dataset.histories
        outcomes = outcomes_of(dataset) if outcomes is None else outcomes
        code = {name: at for at, name in enumerate(outcomes)}
        names = dataset.interactions[c.EVENT]
        types = names.replace_strict(code, default=LEFT_ALONE, return_dtype=pl.Int32)
        users, items = dataset.user_rows, dataset.item_rows
        times = epoch_us(dataset.interactions)
        ordered = _by_user_and_time(users, items, types.to_numpy(), times, whole)
        events = cls(whole, ordered, outcomes)
        return events if served is None else events._with(_left_alone(served, dataset))

    def _with(self, left: tuple[Int32Array, Int32Array, Int64Array]) -> Events:
        """These and what was left alone: users, items, times."""
        users, items, times = left
        whole = self.histories
        n = len(users)
        grouped = partial(
            Histories.from_entries,
            np.concatenate((whole.users(), users)),
            np.concatenate((whole.items, items)),
            timestamps=np.concatenate((whole.timestamps, times)),
            n_users=whole.n_users,
            n_items=whole.n_items,
        )
        values = np.concatenate((whole.values, np.zeros(n, np.float32)))
        types = np.concatenate((self.types, np.full(n, LEFT_ALONE, np.int32)))
        then = None if whole.versions is None else np.concatenate((whole.versions, items))
        merged = grouped(values=values, versions=then)
        typed = grouped(values=types.astype(np.float32))
        return Events(merged, typed.values.astype(np.int32), self.outcomes)

    def __len__(self) -> int:
        return len(self.types)

    def positive(self) -> BoolArray:
        """(n,) bool: events that speak for their items."""
        positive: BoolArray = (self.histories.values > 0) & (self.types >= 0)
        return positive

    def first_touches(self) -> BoolArray:
        """(n,) bool: the first positive event of each user and item."""
        chosen = np.flatnonzero(self.positive())
        pairs = self._pairs()[chosen]
        first = np.zeros(len(self), np.bool_)
        first[chosen[np.unique(pairs, return_index=True)[1]]] = True
        return first

    def happened(self, entries: Int64Array, *, window_h: float) -> BoolArray:
        """(m, n_outcomes) bool: what the user did with the item of each entry around its time.

        Args:
            entries: (m,) places among the events.
            window_h: Hours on either side; unknown times are all one time.
        """
        pairs = np.unique(self._pairs(), return_inverse=True)[1].astype(np.int64)
        seconds = np.maximum(self.histories.timestamps, 0) // _SECOND_US
        keys = pairs * (2 * _AROUND) + np.clip(seconds, 0, _AROUND - 1)
        window = min(round(window_h * 3600), _AROUND // 2)
        asked = keys[entries]
        found = np.zeros((len(entries), len(self.outcomes)), np.bool_)
        positive = self.positive()
        for outcome in range(len(self.outcomes)):
            theirs = np.sort(keys[positive & (self.types == outcome)])
            low = np.searchsorted(theirs, asked - window, side="left")
            found[:, outcome] = np.searchsorted(theirs, asked + window, side="right") > low
        return found

    def _pairs(self) -> Int64Array:
        """(n,) int64, equal for events of one user with one item."""
        users = self.histories.users().astype(np.int64)
        return users * self.histories.n_items + self.histories.items


def outcomes_of(dataset: Dataset) -> tuple[str, ...]:
    """Event types of the dataset that are worth more than 0, by name."""
    there = dataset.interactions[c.EVENT].unique().to_list()
    return tuple(sorted(name for name in there if dataset.schema.event_type(name).weight > 0))


def _by_user_and_time(
    users: Int32Array, items: Int32Array, types: Int32Array, times: Int64Array, like: Histories
) -> Int32Array:
    """`types` in the order of histories."""
    known = items >= 0
    ordered = Histories.from_entries(
        users[known],
        items[known],
        types[known].astype(np.float32),
        times[known],
        n_users=like.n_users,
        n_items=like.n_items,
    )
    return ordered.values.astype(np.int32)


def _left_alone(
    served: pl.DataFrame, dataset: Dataset
) -> tuple[Int32Array, Int32Array, Int64Array]:
    """Users, items and times of what was shown to known users and not taken."""
    counts = [n for n in dataset.interactions[c.EVENT].unique() if n in served.columns]
    taken = pl.any_horizontal([pl.col(n) > 0 for n in counts]) if counts else pl.lit(value=False)
    left = served.filter(~taken & pl.col(c.USER_ID).is_not_null())
    users = dataset.user_vocabulary.rows(left[c.USER_ID])
    items = dataset.item_vocabulary.rows(left[c.ITEM_ID])
    known = (users >= 0) & (items >= 0)
    return users[known], items[known], epoch_us(left)[known]
