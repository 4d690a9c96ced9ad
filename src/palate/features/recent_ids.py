"""Ids of what people did lately, kept with the state: what a log delivers twice counts once.

A record repeats another of its partition with the same `event_id` that stands less than `PAGES`
pages of `PAGE` offsets before it. So whether it does follows from the log alone, however its
records are batched. What items and users are is told whole each time, and the last in the log
counts: such records have no part in this, and a log may drop those that were replaced.

Writes: a page of hashes, eight bytes each, for every `PAGE` offsets; pages take turns in `PAGES`
keys, and those that were not written over are deleted. A hash says nothing of a person. Reads: all
pages, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import compress
from typing import Final

from palate.events.log.base import Record
from palate.events.log.interactions import Interactions
from palate.events.schema import RESERVED, Event
from palate.features.keys import RECENT
from palate.features.people import Puts, Reads

__all__ = ["PAGE", "PAGES", "BulkIds", "RecentIds"]

PAGE: Final = 128  # offsets
PAGES: Final = 768  # so 98,304 offsets, and 768 kB at most
_HASH: Final = 8  # bytes: one of 10^12 events meets another by chance once in 200 such logs


class RecentIds:
    """Of one partition of a log, up to an offset.

    Args:
        partition: An `event_id` comes back where its person's events are: in the same partition.
    """

    def __init__(self, partition: int = 0) -> None:
        self._partition = partition
        self._page = 0  # the newest
        self._hashes = b""  # of it
        self._written: Puts = {}
        # To the newest page that has them: of the newest pages, and of at least `PAGES` before.
        self._new: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    @classmethod
    def at(cls, store: Reads, offset: int, partition: int = 0) -> RecentIds:
        """As they are in a state that reflects `offset`; nothing is read where that is 0."""
        found = cls(partition)
        if offset == 0:
            return found
        found._page = newest = offset // PAGE
        first = max(newest - PAGES + 1, 0)
        raws = store.get_many([found._name(page) for page in range(first, newest + 1)])
        for page, raw in enumerate(raws, first):
            hashes = raw or b""
            parts = [hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]
            found._new.update(dict.fromkeys(parts, page))
        found._hashes = raws[-1] or b""
        return found

    def once(self, records: Sequence[Record]) -> Sequence[Record]:
        """Take in records; those that repeat none, in their order.

        Args:
            records: The next of the partition; their offsets rise.
        """
        fresh = [
            not _counts(record.event) or self.take(record.offset, record.event.event_id)
            for record in records
        ]
        return records if all(fresh) else list(compress(records, fresh))

    def take(self, offset: int, event_id: str) -> bool:
        """Take in the id at the next offset; whether it repeats none."""
        page = offset // PAGE
        if page != self._page:
            self._turn(page)
        found = _hash(event_id)
        fresh = not self._holds(found, page)
        self._new[found] = page
        self._hashes += found
        return fresh

    def holds(self, offset: int, event_id: str) -> bool:
        """Whether a record there would repeat one that was taken in."""
        return self._holds(_hash(event_id), offset // PAGE)

    def changed(self, offset: int) -> Puts:
        """The pages that are others since this was asked last, in a state that reflects `offset`.

        Args:
            offset: The last one taken in, or beyond: up to there the log has nothing more.
        """
        self._turn(offset // PAGE)
        puts, self._written = self._written, {}
        if self._hashes:
            puts[self._name(self._page)] = self._hashes
        return puts

    def _holds(self, found: bytes, page: int) -> bool:
        seen = self._new.get(found)
        if seen is None:
            seen = self._old.get(found)
        return seen is not None and page - seen < PAGES

    def _turn(self, page: int) -> None:
        """Go on to a page; those between have nothing."""
        if page == self._page:
            return
        if self._hashes:
            self._written[self._name(self._page)] = self._hashes
        for empty in range(max(self._page, page - PAGES) + 1, page + 1):
            self._written[self._name(empty)] = None
        if page // PAGES != self._page // PAGES:
            self._new, self._old = {}, self._new
        self._page, self._hashes = page, b""

    def _name(self, page: int) -> bytes:
        return RECENT + b"%d:%03x" % (self._partition, page % PAGES)


class BulkIds:
    """The same for columns by the million, whose ids are hardly ever hashed.

    Args:
        recent: Up to `after`; it reaches up to `upto` once all columns were taken in.
        after: An offset.
        upto: An offset.
    """

    def __init__(self, recent: RecentIds, after: int, upto: int) -> None:
        self._recent = recent
        self._until = (after // PAGE + PAGES) * PAGE  # from there on nothing before `after` counts
        self._from = (upto // PAGE - PAGES + 1) * PAGE  # from there on they are kept
        self._first = after  # of `_new`
        self._new: dict[str, int] = {}  # to the newest page, as in `RecentIds`
        self._old: dict[str, int] = {}

    def once(self, found: Interactions) -> Interactions:
        """Take in the next columns; the rows of them that repeat none."""
        if not found.offsets:
            return found
        start, stop = found.offsets[0], found.offsets[-1]
        if start - self._first >= PAGE * PAGES:
            self._new, self._old, self._first = {}, self._new, start
        ids, pages = found.event_ids, [offset // PAGE for offset in found.offsets]
        if start >= self._until and stop < self._from and self._are_new(ids):
            self._new.update(zip(ids, pages, strict=True))
            return found
        rows = zip(found.offsets, ids, pages, strict=True)
        fresh = [self._take(*row) for row in rows]
        return Interactions._make(tuple(compress(column, fresh)) for column in found)

    def _are_new(self, ids: Sequence[str]) -> bool:
        return (
            len(set(ids)) == len(ids)
            and self._new.keys().isdisjoint(ids)
            and self._old.keys().isdisjoint(ids)
        )

    def _take(self, offset: int, event_id: str, page: int) -> bool:
        if not event_id:
            return True
        seen = self._new.get(event_id, self._old.get(event_id, page - PAGES))
        self._new[event_id] = page
        fresh = page - seen >= PAGES
        if offset >= self._from:
            return self._recent.take(offset, event_id) and fresh
        return fresh and not (offset < self._until and self._recent.holds(offset, event_id))


def _counts(event: Event) -> bool:
    """Whether it is one of `Interactions`, and has an id."""
    return (
        event.item_id is not None
        and event.event_id != ""
        and event.event not in RESERVED
        and (event.user_id is not None or event.anonymous_id is not None)
    )


def _hash(event_id: str) -> bytes:
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=_HASH).digest()
