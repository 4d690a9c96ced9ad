"""Profiles of the people of one batch: loaded, changed event by event, and given back as bytes.

Writes: every ordinary event with an item and a weight, by what the item's attributes are at that
place of the log; `user.identified`, which adds a visitor's to a user's; `user.forgotten`. Reads:
one value by key, under the fingerprint of its definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from palate.events.log.base import Record
from palate.features.decoded import decoded
from palate.features.item_state import decode_item, item_state_of
from palate.features.keys import ITEM, PROFILE, key
from palate.features.people import Puts, Reads
from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.packed import PackedStatistics, Packing

__all__ = ["EvidenceCache", "ProfileChanges", "profile_prefix"]

_MOST_CACHED: Final = 30_000  # items: about a kilobyte each


def profile_prefix(fingerprint: str) -> bytes:
    """Before the key of a person's state: their profile of that definition."""
    return PROFILE + bytes.fromhex(fingerprint)


class EvidenceCache:
    """What items say under one definition, kept from batch to batch.

    Args:
        definition: Of the profiles.
    """

    def __init__(self, definition: ProfileDefinition) -> None:
        self.packing: Packing = Packing(definition)
        self.prefix = profile_prefix(definition.fingerprint)
        self._cached: dict[str, tuple[bytes, PackedStatistics | None]] = {}

    @property
    def fingerprint(self) -> str:
        """Of the definition."""
        return self.packing.fingerprint

    def of(self, item_id: str, raw: bytes | None) -> PackedStatistics | None:
        """What an item says whose state is `raw`; None for nothing."""
        known = self._cached.get(item_id)
        if known is not None and known[0] == raw:
            return known[1]
        item = decoded(raw, decode_item)
        if raw is None or item is None:
            return None
        evidence = self.said(item.attributes)
        if len(self._cached) >= _MOST_CACHED:
            self._cached.clear()
        self._cached[item_id] = (raw, evidence)
        return evidence

    def said(self, attributes: Mapping[str, Any]) -> PackedStatistics | None:
        """What an item with these attributes says; None for nothing."""
        evidence = self.packing.evidence(attributes)
        return None if evidence.is_empty else evidence


class ProfileChanges:
    """A `Follower` that keeps the statistics of each person under one definition.

    Args:
        cache: Of the definition.
        store: Where items are, as they were before the batch.
        items: Whose attributes the batch may need.
    """

    def __init__(self, cache: EvidenceCache, store: Reads, items: Iterable[str]) -> None:
        self._cache = cache
        self._packing = cache.packing
        ids = list(items)
        raws = store.get_many([key(ITEM, item_id) for item_id in ids])
        self._evidence = {
            item_id: cache.of(item_id, raw) for item_id, raw in zip(ids, raws, strict=True)
        }
        self._unread: dict[str, Record] = {}  # items that changed since, until somebody asks
        self._stored: dict[bytes, bytes | None] = {}
        self._people: dict[bytes, PackedStatistics | None] = {}  # None: moved, or forgotten

    def load(self, store: Reads, people: Sequence[bytes]) -> None:
        """Read their statistics."""
        prefix = self._cache.prefix
        raws = store.get_many([prefix + who for who in people])
        self._stored = dict(zip(people, raws, strict=True))

    def item(self, record: Record) -> None:
        """An item was upserted or deleted: from here on it says something else."""
        if record.event.item_id is not None:
            self._unread[record.event.item_id] = record

    def took(self, who: bytes, record: Record) -> None:
        """Take in an event, if it says something."""
        event = record.event
        evidence = None if event.item_id is None else self._says(event.item_id)
        if evidence is None:
            return
        weight = self._packing.definition.weight(event.event, event.value)
        if weight > 0.0:
            kept = self._settled(who) or self._packing.empty()
            kept.observe(evidence, weight, event.timestamp)
            self._people[who] = kept

    def joined(self, user: bytes, visitor: bytes, offset: int) -> None:
        """Add the visitor's statistics to the user's, once."""
        left = self._settled(visitor)
        if left is None:
            return
        kept = self._settled(user) or self._packing.empty()
        kept.add(left)
        self._people[user] = kept
        self._people[visitor] = None

    def forgot(self, who: bytes) -> None:
        """Leave nothing of somebody."""
        self._people[who] = None

    def changed(self) -> Puts:
        """New values of all that was touched."""
        prefix = self._cache.prefix
        return {
            prefix + who: None if kept is None else kept.to_bytes()
            for who, kept in self._people.items()
        }

    def _says(self, item_id: str) -> PackedStatistics | None:
        """What an item says at this place of the log."""
        changed = self._unread.pop(item_id, None)
        if changed is not None:
            self._evidence[item_id] = self._cache.said(item_state_of(changed).attributes)
        return self._evidence.get(item_id)

    def _settled(self, who: bytes) -> PackedStatistics | None:
        if who in self._people:
            return self._people[who]
        raw = self._stored.get(who)
        return None if raw is None else self._packing.read(raw)
