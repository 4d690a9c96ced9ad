"""From a log, or from another state, into a store: by the million, in bounded memory.

The result is that of `features.changes`, record by record; a property test says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from palate.events.log.base import EventLog
from palate.events.log.interactions import interactions
from palate.events.schema import (
    KEPT,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
)
from palate.features.bulk.rows import Identified, Rows
from palate.features.changes import Puts, forgetting
from palate.features.decoded import decoded
from palate.features.item_state import encode_item, item_state_of
from palate.features.keys import ANONYMOUS, ITEM, LINK, PROFILE, RECENT, USER, key
from palate.features.recent_ids import BulkIds, RecentIds
from palate.features.user_state import UserState, decode_user, encode_user
from palate.store.base import OnlineStore

__all__ = ["copied", "take_in"]

CHUNK: Final = 10_000_000  # offsets sorted at once: about 70 bytes of memory each
READ: Final = 2_000  # offsets read at once: few enough to stay in the processor's cache
_WRITE: Final = 20_000  # keys read and written at once
_PAGE: Final = 10_000  # records of items and users read at once

_Upserts = dict[str, tuple[int, dict[str, Any]]]  # user to offset and attributes


def copied(store: OnlineStore, limit: int) -> Iterator[Puts]:
    """All of `store` but what it says of itself, in parts; histories cut to `limit`.

    Ids of what people did lately come along: what the log delivers again is known.
    """
    for prefix in (USER, ANONYMOUS, ITEM, LINK, PROFILE, RECENT):
        pairs = store.scan(prefix)
        while part := list(islice(pairs, _WRITE)):
            if prefix in (USER, ANONYMOUS):
                yield {name: _cut(raw, limit) for name, raw in part}
            else:
                yield {name: raw for name, raw in part}  # noqa: C416 - its values may be None


def take_in(store: OnlineStore, log: EventLog, after: int, upto: int, limit: int) -> Iterator[int]:
    """Write what `log` says above `after` up to `upto`; the store's own offset stays.

    Args:
        store: The state at `after`.
        log: Read as columns where it has them.
        after: An offset.
        upto: An offset.
        limit: Most recent events kept per person.

    Yields:
        How far it has come, as an offset. The state is whole only at the end.
    """
    empty = after == 0  # nothing to look up there
    recent = RecentIds.at(store, after)
    ids = BulkIds(recent, after, upto)
    while after < upto:
        end = min(after + CHUNK, upto)
        rows = Rows()
        for start in range(after, end, READ):
            stop = min(start + READ, end)
            rows.add(ids.once(interactions(log, start, stop)))
            yield after + (stop - after) // 2  # the other half of the work is to write
        upserts, seen, gone = _write_entities(store, log, after, end)
        _People(store, limit, empty=empty).write(rows, seen, upserts)
        store.write(gone)  # who was forgotten did nothing afterwards: `Ingest` refuses it
        empty = False
        if end == upto:
            store.write(recent.changed(upto))
        yield (after := end)


def _write_entities(
    store: OnlineStore, log: EventLog, after: int, upto: int
) -> tuple[_Upserts, dict[str, tuple[list[int], list[str]]], Puts]:
    """Write items; what else is said of users, visitors who were identified, who was forgotten."""
    upserts: _Upserts = {}
    gone: Puts = {}
    seen: dict[str, tuple[list[int], list[str]]] = {}
    while after < upto:
        records = log.read(after, limit=_PAGE, events=KEPT)
        puts: Puts = {}
        for record in records:
            event = record.event
            if record.offset > upto:
                break
            if event.event == USER_FORGOTTEN:
                gone |= forgetting(event)
            elif event.event == USER_UPSERTED and event.user_id is not None:
                upserts[event.user_id] = (record.offset, event.attributes or {})
            elif event.event != USER_IDENTIFIED and event.item_id is not None:
                puts[key(ITEM, event.item_id)] = encode_item(item_state_of(record))
            elif event.anonymous_id is not None and event.user_id is not None:
                offsets, users = seen.setdefault(event.anonymous_id, ([], []))
                offsets.append(record.offset)
                users.append(event.user_id)
        store.write(dict(sorted(puts.items())))
        after = records[-1].offset if len(records) == _PAGE else upto
    return upserts, seen, gone


class _People:
    """Users and visitors, written once a chunk of the log is sorted.

    Args:
        store: Where to.
        limit: Most recent events kept per person.
        empty: Whether there is nobody in `store` yet.
    """

    def __init__(self, store: OnlineStore, limit: int, *, empty: bool) -> None:
        self._store = store
        self._limit = limit
        self._empty = empty

    def write(
        self, rows: Rows, seen: Mapping[str, tuple[list[int], list[str]]], upserts: _Upserts
    ) -> None:
        store = self._store
        links = self._links([*rows.visitors(), *seen])
        identified: dict[str, Identified] = {}
        for visitor, (offsets, users) in seen.items():
            before = links.pop(visitor, None)
            left = None if before is not None else store.get(key(ANONYMOUS, visitor))
            identified[visitor] = Identified(offsets, users, before, decoded(left, decode_user))
        for block in rows.by_person(links, identified, self._limit):
            store.write(self._merged(block, upserts))
        rest = iter(upserts.items())
        while part := dict(islice(rest, _WRITE)):  # of users who did nothing else
            store.write(self._merged([(key(USER, user), UserState()) for user in part], part))
        marks: Puts = {key(LINK, v): key(b"", s.users[-1]) for v, s in identified.items()}
        gone: Puts = {key(ANONYMOUS, v): None for v, s in identified.items() if s.left is not None}
        store.write({**marks, **gone})

    def _links(self, visitors: list[str]) -> dict[str, str]:
        """The users that those of `visitors` are who were identified before."""
        links: dict[str, str] = {}
        rest = iter(visitors)
        while part := list(islice(rest, _WRITE)):
            raws = self._stored([key(LINK, visitor) for visitor in part])
            found = zip(part, raws, strict=True)
            links |= {v: r.decode("utf-8", "surrogatepass") for v, r in found if r is not None}
        return links

    def _merged(self, new: list[tuple[bytes, UserState]], upserts: _Upserts) -> Puts:
        """These people as stored, with `new` and what `upserts` says; that is taken from there."""
        puts: Puts = {}
        for (name, state), raw in zip(new, self._stored([n for n, _ in new]), strict=True):
            if raw is not None:
                stored = decode_user(raw)
                stored.join(state, state.updated_offset, self._limit)
                state = stored
            if upserts and name.startswith(USER):
                user = name[len(USER) :].decode("utf-8", "surrogatepass")
                offset, attributes = upserts.pop(user, (0, None))
                if attributes is not None:
                    state.attributes = attributes
                    state.updated_offset = max(state.updated_offset, offset)
            puts[name] = encode_user(state)
        return puts

    def _stored(self, names: list[bytes]) -> Sequence[bytes | None]:
        return [None] * len(names) if self._empty else self._store.get_many(names)


def _cut(raw: bytes, limit: int) -> bytes:
    state = decode_user(raw)
    if len(state.timestamps) <= limit:
        return raw
    state.keep_last(limit)
    return encode_user(state)
