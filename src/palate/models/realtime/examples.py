"""Examples to learn from, each as things stood just before it happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.features.profile.evidence import ItemEvidence
from palate.features.profile.layout import ProfileLayout
from palate.features.profile.replay import profiles_at, profiles_before
from palate.models.realtime.ahead import known_anywhere, last_known
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.context import NAMES, contexts_of
from palate.models.realtime.events import Events
from palate.models.realtime.short import ALL, known_lengths, newest_only
from palate.types import BoolArray, Float32Array, Int32Array, Int64Array

__all__ = ["Examples", "Profiles", "example_entries", "make_examples", "recent_before"]

NONE: Final = -1  # where there are fewer recent or shown items
_SHOWN_US: Final = 3_600_000_000  # what was left alone so long before belongs to an event


@dataclass(frozen=True, slots=True)
class Profiles:
    """What profiles are made of; None of both where none are read.

    Attributes:
        layout: Of the vectors.
        evidence: Of all items as they are known last, then of what they were before.
    """

    layout: ProfileLayout | None
    evidence: ItemEvidence | None

    @property
    def size(self) -> int:
        """Width of a vector."""
        return 0 if self.layout is None else self.layout.size

    def before(self, histories: Histories, entries: Int64Array) -> Float32Array:
        """(m, size) float32 profiles of the users of entries, just before each."""
        if self.layout is None or self.evidence is None:
            return np.zeros((len(entries), 0), np.float32)
        given = (_said(histories), histories.values, _known(histories.timestamps))
        return profiles_before(self.layout, self.evidence, histories.indptr, *given, entries)

    def after(self, histories: Histories, now_us: Int64Array | None = None) -> Float32Array:
        """(n_users, size) float32 profiles at `now_us`, (n_users,); by default at their last."""
        if self.layout is None or self.evidence is None:
            return np.zeros((histories.n_users, 0), np.float32)
        times = _known(histories.timestamps)
        if now_us is None:
            last = np.append(times, 0)[np.maximum(histories.indptr[1:] - 1, 0)]
            now_us = np.where(np.diff(histories.indptr) > 0, last, 0)
        given = (_said(histories), histories.values, times)
        return profiles_at(self.layout, self.evidence, histories.indptr, *given, now_us)


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of the training table, all columns (n, ...).

    Attributes:
        item: (n,) int32 what was taken, as it was just then: as `Histories.versions`.
        recent: (n, m) int32 items that spoke for themselves before, newest last, `NONE` first.
        shown: (n, s) int32 items that were left alone lately, `NONE` last.
        profile: (n, p) float32.
        context: (n, c) float32.
        outcomes: (n, o) float32, 1 for what happened with the item.
    """

    item: Int32Array
    recent: Int32Array
    shown: Int32Array
    profile: Float32Array
    context: Float32Array
    outcomes: Float32Array

    def __len__(self) -> int:
        return len(self.item)

    def columns(self) -> dict[str, np.ndarray]:
        """By name, those without width left out."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {name: one for name, one in named.items() if one.ndim == 1 or one.shape[1]}


def example_entries(events: Events, config: RealtimeConfig, among: BoolArray) -> Int64Array:
    """Places of the events that are examples, ascending.

    Args:
        events: All of them.
        config: Says whether repeats count.
        among: (n,) bool, events that may be learned from.
    """
    chosen = events.positive() if config.repeats else events.first_touches()
    return np.flatnonzero(chosen & among).astype(np.int64)


def make_examples(
    events: Events,
    entries: Int64Array,
    profiles: Profiles,
    config: RealtimeConfig,
    *,
    step: int = 1 << 16,
) -> Iterator[Examples]:
    """The rows of `entries`, in their order, `step` at a time: memory does not grow with them."""
    histories = events.histories
    happened = events.happened(entries, window_h=config.outcome_window_h)
    liked = np.flatnonzero(events.positive())
    alone = np.flatnonzero(~events.positive())
    lengths = known_lengths(len(entries), share=config.short, seed=config.seed)
    states = last_known(histories, entries, most=config.ahead, seed=config.seed)
    if config.short_ahead:
        anywhere = known_anywhere(histories, entries, seed=config.seed)
        states = np.where(lengths == ALL, states, anywhere)
    for start in range(0, len(entries), step):
        some = entries[start : start + step]
        known, state = lengths[start : start + step], states[start : start + step]
        times = histories.timestamps[some]
        if not config.context:
            times = np.full(len(times), -1, np.int64)
        yield Examples(
            item=_said(histories)[some],
            recent=_cut(recent_before(histories, state, liked, config.recent), known),
            shown=_shown_before(histories, some, alone, config.shown),
            profile=_profiles(profiles, histories, state, liked, known),
            context=contexts_of(times)[:, : len(NAMES) if config.context else 0],
            outcomes=happened[start : start + step].astype(np.float32),
        )


def _cut(recent: Int32Array, known: Int32Array) -> Int32Array:
    """The same, `NONE` but for the newest `known` of each row."""
    from_end = np.arange(recent.shape[1], 0, -1)
    hidden = (known[:, None] != ALL) & (from_end > known[:, None])
    return np.where(hidden, np.int32(NONE), recent)


def _profiles(
    profiles: Profiles,
    histories: Histories,
    entries: Int64Array,
    liked: Int64Array,
    known: Int32Array,
) -> Float32Array:
    """(n, p) float32 just before each entry, from the newest `known` of what was liked."""
    found = profiles.before(histories, entries)
    cut = np.flatnonzero(known != ALL)
    if len(cut) and found.shape[1]:
        found[cut] = profiles.before(*newest_only(histories, entries[cut], liked, known[cut]))
    return found


def recent_before(
    histories: Histories, entries: Int64Array, among: Int64Array, m: int
) -> Int32Array:
    """(len(entries), m) int32 the user's newest items before each entry, newest last.

    Args:
        histories: Of everybody.
        entries: (n,) places among their entries; an end of a history may be asked for, too.
        among: Places of the entries that count, ascending.
        m: How many.
    """
    owners = np.searchsorted(histories.indptr, entries, side="right") - 1
    return _newest(histories, entries, histories.indptr[owners], among, m)


def _newest(
    histories: Histories, stops: Int64Array, starts: Int64Array, among: Int64Array, m: int
) -> Int32Array:
    """(n, m) int32 items of the last of `among` in each span from start to stop, newest last."""
    last = np.searchsorted(among, stops, side="left")
    first = np.searchsorted(among, starts, side="left")
    places = last[:, None] - np.arange(m, 0, -1)
    found = np.full(places.shape, NONE, np.int32)
    there = places >= first[:, None]
    found[there] = histories.items[among[places[there]]]
    return found


def _shown_before(
    histories: Histories, entries: Int64Array, alone: Int64Array, s: int
) -> Int32Array:
    """(n, s) int32 what the user was shown lately and left alone."""
    n = len(entries)
    if not s or not len(alone):
        return np.full((n, s if len(alone) else 0), NONE, np.int32)
    owners = np.searchsorted(histories.indptr, entries, side="right") - 1
    starts, ends = histories.indptr[owners], histories.indptr[owners + 1]
    times = histories.timestamps
    # What stands beside an event in time may stand behind it in the order: look a little on.
    near = np.minimum(entries + 1 + s, ends)
    found = _newest(histories, near, starts, alone, 2 * s)
    when = _newest_times(times, near, starts, alone, 2 * s)
    now = times[entries][:, None]
    found[(when > now) | (when < now - _SHOWN_US)] = NONE
    order = np.argsort(found == NONE, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)[:, :s]


def _newest_times(
    times: Int64Array, stops: Int64Array, starts: Int64Array, among: Int64Array, m: int
) -> Int64Array:
    last = np.searchsorted(among, stops, side="left")
    first = np.searchsorted(among, starts, side="left")
    places = last[:, None] - np.arange(m, 0, -1)
    found = np.full(places.shape, -1, np.int64)
    there = places >= first[:, None]
    found[there] = times[among[places[there]]]
    return found


def _said(histories: Histories) -> Int32Array:
    """(n,) int32 rows of the items as they were just then."""
    return histories.items if histories.versions is None else histories.versions


def _known(times: Int64Array) -> Int64Array:
    """Unknown times as one moment before all others."""
    return np.maximum(times, 0)
