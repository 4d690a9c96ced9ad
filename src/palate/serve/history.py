"""A user's events from the state, as the rows and weights that one release understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from palate.data.histories import Histories
from palate.features.user_state import UserState
from palate.serve.shelf import Loaded
from palate.types import Float32Array

__all__ = ["Past", "fold", "merge"]

_UNDECLARED: Final = (1.0, False)  # an event type that the schema does not name weighs 1


class Past(msgspec.Struct, frozen=True):
    """What somebody did, oldest first; four lists of one length.

    Attributes:
        item_ids: What it was done to.
        events: Event types.
        values: A rating, a price; None where there is none.
        timestamps: Microseconds since 1970 UTC.
        offset: Of the event in the log that was the last to change this; 0 for none.
    """

    item_ids: Sequence[str] = ()
    events: Sequence[str] = ()
    values: Sequence[float | None] = ()
    timestamps: Sequence[int] = ()
    offset: int = 0

    @classmethod
    def of(cls, state: UserState | None) -> Past:
        """The past that `state` keeps."""
        if state is None:
            return cls()
        return cls(
            state.item_ids, state.events, state.values, state.timestamps, state.updated_offset
        )


def merge(visitor: Past, user: Past) -> Past:
    """What one person did before and after signing in, in the order of time."""
    if not visitor.item_ids:
        return user
    if not user.item_ids:
        return visitor
    timestamps = [*visitor.timestamps, *user.timestamps]
    order = sorted(range(len(timestamps)), key=timestamps.__getitem__)
    item_ids = [*visitor.item_ids, *user.item_ids]
    events = [*visitor.events, *user.events]
    values = [*visitor.values, *user.values]
    return Past(
        [item_ids[i] for i in order],
        [events[i] for i in order],
        [values[i] for i in order],
        [timestamps[i] for i in order],
        max(visitor.offset, user.offset),
    )


def fold(past: Past, loaded: Loaded) -> Histories:
    """One history over the release's vocabulary; items that it does not know are left out.

    Returns:
        Histories of one user; empty where the release knows none of the items.
    """
    vocabulary = loaded.model.vocabulary
    rows = vocabulary.rows(past.item_ids)
    worth = _worth(past, loaded.weights)
    timestamps = np.array(past.timestamps, np.int64)
    known = rows >= 0
    if not known.all():
        rows, worth, timestamps = rows[known], worth[known], timestamps[known]
    indptr = np.array([0, len(rows)], np.int64)
    return Histories(indptr, rows, worth, timestamps, len(vocabulary))


def _worth(past: Past, weights: Mapping[str, tuple[float, bool]]) -> Float32Array:
    """(n,) float32: weight of each event's type, times its value where the type says so."""
    n = len(past.events)
    kinds = {weights.get(event, _UNDECLARED) for event in set(past.events)}
    if len(kinds) == 1:  # most often: everybody rates, or everybody clicks
        ((weight, multiplies),) = kinds
        if not multiplies:
            return np.full(n, weight, np.float32)
        if None not in past.values:
            return (np.array(past.values, np.float64) * weight).astype(np.float32)
    of_each = [weights.get(event, _UNDECLARED) for event in past.events]
    return np.array(
        [
            weight * value if multiplies and value is not None else weight
            for (weight, multiplies), value in zip(of_each, past.values, strict=True)
        ],
        np.float32,
    )
