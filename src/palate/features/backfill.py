"""Profiles filled from the log, in its order, beside a state that has come further or not so far.

An event says what its item was just then, and belongs to whom its visitor was just then. So items
and links as they were stand beside the state while this goes on, under keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from palate.events.log.base import EventLog
from palate.features.changes import profile_changes
from palate.features.kept_profiles import erased
from palate.features.keys import PAST, PROFILE
from palate.features.people import Puts
from palate.features.profile_changes import EvidenceCache
from palate.features.recent_ids import RecentIds
from palate.store.base import OnlineStore

__all__ = ["filled"]

_PAGE: Final = 10_000  # records
_NOTHING: Final = b""  # hides what is beneath; no state is without bytes


def filled(
    store: OnlineStore, log: EventLog, after: int, upto: int, profiles: Sequence[EvidenceCache]
) -> Iterator[int]:
    """Write the profiles that records above `after` up to `upto` make; nothing else changes.

    Args:
        store: Of a state. Where `after` is above 0, it and its profiles reflect `after`.
        log: Of that state.
        after: An offset; 0 fills them from nothing, whatever the state reflects.
        upto: An offset.
        profiles: One for each definition.

    Yields:
        How far it has come, as an offset. Profiles are whole only at the end.
    """
    for one in profiles:
        erased(store, _prefix(one))
        if after == 0:
            erased(store, one.prefix)
    for one in profiles:
        past = _Past(store, _prefix(one), beneath=after > 0)
        ids = RecentIds.at(store, after)  # what the log delivers again counts once, as online
        at = after
        while at < upto:
            records = [r for r in log.read(at, limit=_PAGE) if r.offset <= upto]
            if not records:
                break
            past.write(profile_changes(past, ids.once(records), [one]))
            yield (at := records[-1].offset)
    for one in profiles:
        erased(store, _prefix(one))


def _prefix(profile: EvidenceCache) -> bytes:
    return PAST + profile.prefix[len(PROFILE) :]


class _Past:
    """Profiles as they are in a store, and all else as it was.

    Args:
        store: Of a state.
        prefix: Of the keys of what was.
        beneath: Whether what was not written here is as it is in the store.
    """

    def __init__(self, store: OnlineStore, prefix: bytes, *, beneath: bool) -> None:
        self._store = store
        self._prefix = prefix
        self._beneath = beneath

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Their values then."""
        found = self._store.get_many([self._name(key) for key in keys])
        if self._beneath:
            missing = [n for n, raw in enumerate(found) if raw is None]
            below = self._store.get_many([keys[n] for n in missing])
            for n, raw in zip(missing, below, strict=True):
                found[n] = raw
        return [None if raw == _NOTHING else raw for raw in found]

    def write(self, puts: Puts) -> None:
        """Note what has become of them."""
        hidden: Puts = {}
        for key, value in sorted(puts.items()):
            profile = key.startswith(PROFILE)
            hidden[self._name(key)] = _NOTHING if value is None and not profile else value
        self._store.write(hidden)

    def _name(self, key: bytes) -> bytes:
        return key if key.startswith(PROFILE) else self._prefix + key
