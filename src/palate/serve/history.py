"""A user's events from the state, as the rows and weights that one release understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.features.user_state import UserState
from palate.serve.shelf import Loaded

__all__ = ["Past", "fold", "merge"]

_UNDECLARED: Final = (1.0, False)  # an event type that the schema does not name weighs 1


@dataclass(frozen=True, slots=True)
class Past:
    """What somebody did, oldest first; four lists of one length.

    Attributes:
        item_ids: What it was done to.
        events: Event types.
        values: A rating, a price; None where there is none.
        timestamps: Microseconds since 1970 UTC.
    """

    item_ids: Sequence[str] = ()
    events: Sequence[str] = ()
    values: Sequence[float | None] = ()
    timestamps: Sequence[int] = ()

    @classmethod
    def of(cls, state: UserState | None) -> Past:
        """The past that `state` keeps."""
        if state is None:
            return cls()
        return cls(state.item_ids, state.events, state.values, state.timestamps)


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
    )


def fold(past: Past, loaded: Loaded) -> Histories:
    """One history over the release's vocabulary; items that it does not know are left out.

    Returns:
        Histories of one user; empty where the release knows none of the items.
    """
    vocabulary = loaded.model.vocabulary
    rows = vocabulary.rows(past.item_ids)
    weights = loaded.weights
    kinds = [weights.get(event, _UNDECLARED) for event in past.events]
    worth = np.array(
        [
            weight * value if multiplies and value is not None else weight
            for (weight, multiplies), value in zip(kinds, past.values, strict=True)
        ],
        np.float32,
    )
    timestamps = np.array(past.timestamps, np.int64)
    known = rows >= 0
    if not known.all():
        rows, worth, timestamps = rows[known], worth[known], timestamps[known]
    indptr = np.array([0, len(rows)], np.int64)
    return Histories(indptr, rows, worth, timestamps, len(vocabulary))
