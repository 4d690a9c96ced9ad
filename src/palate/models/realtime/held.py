"""The newest events held out of training: what the nets are to foresee before they are used."""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.metrics.relevant import Relevant
from palate.models.held_out import MOST_USERS, HeldOut, entries_of
from palate.models.realtime.events import Events
from palate.types import BoolArray

__all__ = ["hold_out"]

FEWEST: Final = 10  # users who are asked; with fewer their last events are held instead


def hold_out(events: Events, *, share: float, seed: int) -> tuple[HeldOut, BoolArray]:
    """What is asked, and (n,) bool which events may be learned from.

    Everything from one moment on is held, so that nothing of the future is known. Where times
    do not tell (all alike, or nobody of before comes again), the last event of each user with
    three or more is.

    Args:
        events: Of everybody.
        share: Of the events, the newest.
        seed: Of the draw of users, where there are many.
    """
    histories = events.histories
    touches = np.flatnonzero(events.first_touches())
    times = np.sort(histories.timestamps[touches])
    cut = times[min(len(times) - 1, round(len(times) * (1 - share)))] if len(times) else 0
    held = histories.timestamps >= cut
    asked = _asked(events, held, seed)
    if len(asked) < FEWEST or not (~held).any():
        positive = events.positive()
        counts = np.bincount(histories.users()[positive], minlength=histories.n_users)
        held = np.zeros(len(events), np.bool_)
        places = np.flatnonzero(positive)
        last = places[np.cumsum(counts) - 1] if len(places) else places
        held[last[counts >= 3]] = True
        asked = _asked(events, held, seed)
    before, later = entries_of(histories, ~held), entries_of(histories, _new(events, held))
    wanted = Relevant.from_histories(later.select(asked))
    return HeldOut(before, before.select(asked), wanted), ~held


def _new(events: Events, held: BoolArray) -> BoolArray:
    """(n,) bool: held events that are the first of their user and item."""
    return held & events.first_touches()


def _asked(events: Events, held: BoolArray, seed: int) -> np.ndarray:
    """(m,) int64 users who did something before and do something new later."""
    users, n = events.histories.users(), events.histories.n_users
    before = np.bincount(users[~held & events.positive()], minlength=n) > 0
    later = np.bincount(users[_new(events, held)], minlength=n) > 0
    both = np.flatnonzero(before & later)
    if len(both) > MOST_USERS:
        both = np.sort(np.random.default_rng(seed).permutation(both)[:MOST_USERS])
    return both
