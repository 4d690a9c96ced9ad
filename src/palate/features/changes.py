"""What a batch of records changes in the state: keys and their new values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from palate.events.log.base import Record
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    RESERVED,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.features.decoded import decoded
from palate.features.item_state import encode_item, item_state_of
from palate.features.keys import ANONYMOUS, ITEM, LINK, USER, key, person
from palate.features.user_state import UserState, decode_user, encode_user
from palate.store.base import OnlineStore

__all__ = ["Puts", "changes", "forgetting"]

Puts = dict[bytes, bytes | None]

_ABOUT_PEOPLE: Final = (USER_UPSERTED, USER_IDENTIFIED, USER_FORGOTTEN)


def changes(store: OnlineStore, records: Sequence[Record], limit: int) -> Puts:
    """New values of all that `records` touch; None for what goes away.

    Args:
        store: The state before them.
        records: In the order of the log, none of them applied yet.
        limit: Most recent events kept per person.
    """
    puts: Puts = {}
    theirs: list[Record] = []  # about people
    for record in records:
        event = record.event
        if event.event in (ITEM_UPSERTED, ITEM_DELETED):
            if event.item_id is not None:
                puts[key(ITEM, event.item_id)] = encode_item(item_state_of(record))
        elif event.event in _ABOUT_PEOPLE or (
            event.item_id is not None and event.event not in RESERVED
        ):
            theirs.append(record)
    people = _People(store, theirs, limit)
    for record in theirs:
        people.take(record)
    puts.update(people.changed())
    return puts


def forgetting(event: Event) -> Puts:
    """What `user.forgotten` does to the state: nothing is left of whom it names."""
    gone: Puts = {}
    if event.user_id is not None:
        gone[key(USER, event.user_id)] = None
    if event.anonymous_id is not None:
        gone |= {key(ANONYMOUS, event.anonymous_id): None, key(LINK, event.anonymous_id): None}
    return gone


class _People:
    """The people of one batch: loaded in two round trips, changed in the order of the log."""

    def __init__(self, store: OnlineStore, records: Sequence[Record], limit: int) -> None:
        self._limit = limit
        visitors = list(dict.fromkeys(v for r in records if (v := _visitor(r.event)) is not None))
        links = store.get_many([key(LINK, visitor) for visitor in visitors])
        self._links = {v: raw for v, raw in zip(visitors, links, strict=True) if raw is not None}
        self._linked: dict[str, bytes | None] = {}  # in this batch; None: forgotten
        keys: dict[bytes, None] = {}
        for record in records:
            event = record.event
            if (who := self._key(event)) is not None:
                keys[who] = None
            if event.event == USER_IDENTIFIED and event.anonymous_id is not None:
                keys[key(ANONYMOUS, event.anonymous_id)] = None
        raws = store.get_many(list(keys))
        self._stored = {
            k: decoded(raw, decode_user) for k, raw in zip(keys, raws, strict=True) if raw
        }
        self._states: dict[bytes, UserState | None] = {}  # None: moved to a user
        self._pending: dict[bytes, list[Record]] = {}

    def take(self, record: Record) -> None:
        event = record.event
        if event.event == USER_IDENTIFIED:
            self._identify(record)
        elif event.event == USER_FORGOTTEN:
            self._forget(event)
        elif (who := self._key(event)) is not None:
            self._pending.setdefault(who, []).append(record)

    def changed(self) -> Puts:
        puts: Puts = {key(LINK, visitor): user for visitor, user in self._linked.items()}
        for who in list(self._pending):
            self._settle(who)
        for who, state in self._states.items():
            puts[who] = None if state is None else encode_user(state)
        return puts

    def _key(self, event: Event) -> bytes | None:
        """Whose history an event belongs to now."""
        if event.user_id is None and event.anonymous_id is not None:
            user = self._links.get(event.anonymous_id)
            if user is not None:
                return USER + user
        return person(event.user_id, event.anonymous_id)

    def _identify(self, record: Record) -> None:
        event = record.event
        if event.user_id is None or event.anonymous_id is None:
            return
        self._links[event.anonymous_id] = self._linked[event.anonymous_id] = key(b"", event.user_id)
        nobody = key(ANONYMOUS, event.anonymous_id)
        visitor = self._settle(nobody)
        if visitor is None:
            return  # nothing that is not with somebody already
        user = self._settle(key(USER, event.user_id)) or UserState()
        user.join(visitor, record.offset, self._limit)
        self._states[key(USER, event.user_id)] = user
        self._states[nobody] = None

    def _forget(self, event: Event) -> None:
        for who in forgetting(event):
            self._pending.pop(who, None)
            if not who.startswith(LINK):
                self._states[who] = None
        if event.anonymous_id is not None:
            self._links.pop(event.anonymous_id, None)
            self._linked[event.anonymous_id] = None

    def _settle(self, who: bytes) -> UserState | None:
        """The state of `who` with all that was taken so far."""
        state = self._states[who] if who in self._states else self._stored.get(who)
        records = self._pending.pop(who, None)
        if records is not None:
            state = state or UserState()
            state.apply(records, self._limit)
            self._states[who] = state
        return state


def _visitor(event: Event) -> str | None:
    """The visitor whose link decides where an event goes."""
    return event.anonymous_id if event.user_id is None else None
