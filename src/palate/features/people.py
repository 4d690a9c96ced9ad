"""Whose an event is: visitors followed to the users that they turned out to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from palate.events.log.base import Record
from palate.events.schema import USER_FORGOTTEN, USER_IDENTIFIED, Event
from palate.features.keys import ANONYMOUS, LINK, USER, key, person

__all__ = ["Follower", "People", "Puts", "Reads", "forgetting"]

Puts = dict[bytes, bytes | None]


class Reads(Protocol):
    """The part of an `OnlineStore` that a batch is read from."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment, in one round trip."""
        ...


class Follower(Protocol):
    """Keeps something of every person, named by the key of their state."""

    def load(self, store: Reads, people: Sequence[bytes]) -> None:
        """Read what is kept of those whom a batch may touch, in one round trip."""
        ...

    def took(self, who: bytes, record: Record) -> None:
        """Somebody did something, or was upserted."""
        ...

    def joined(self, user: bytes, visitor: bytes, offset: int) -> None:
        """A visitor turned out to be a user: what is kept of one moves to the other."""
        ...

    def forgot(self, who: bytes) -> None:
        """Nothing may be left of somebody."""
        ...

    def changed(self) -> Puts:
        """New values of all that was touched; None for what goes away."""
        ...


class People:
    """The people of one batch: loaded in two round trips, changed in the order of the log.

    Args:
        store: The state before them.
        records: About people, none of them applied yet.
        followers: What is kept of them.
    """

    def __init__(
        self, store: Reads, records: Iterable[Record], followers: Sequence[Follower]
    ) -> None:
        self._followers = followers
        events = [record.event for record in records]
        visitors = list(dict.fromkeys(v for e in events if (v := _visitor(e)) is not None))
        links = store.get_many([key(LINK, v) for v in visitors]) if visitors else []
        self._links = {v: raw for v, raw in zip(visitors, links, strict=True) if raw is not None}
        self._linked: dict[str, bytes | None] = {}  # in this batch; None: forgotten
        keys: dict[bytes, None] = {}
        for event in events:
            if (who := self._key(event)) is not None:
                keys[who] = None
            if event.event == USER_IDENTIFIED and event.anonymous_id is not None:
                keys[key(ANONYMOUS, event.anonymous_id)] = None
        for follower in followers:
            follower.load(store, list(keys))

    def take(self, record: Record) -> None:
        """Take in the next record."""
        event = record.event
        if event.event == USER_IDENTIFIED:
            self._identify(record)
        elif event.event == USER_FORGOTTEN:
            self._forget(event)
        elif (who := self._key(event)) is not None:
            for follower in self._followers:
                follower.took(who, record)

    def changed(self) -> Puts:
        """Whom visitors turned out to be, and all that the followers changed."""
        puts: Puts = {key(LINK, visitor): user for visitor, user in self._linked.items()}
        for follower in self._followers:
            puts.update(follower.changed())
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
        for follower in self._followers:
            follower.joined(key(USER, event.user_id), nobody, record.offset)

    def _forget(self, event: Event) -> None:
        for who in forgetting(event):
            if not who.startswith(LINK):
                for follower in self._followers:
                    follower.forgot(who)
        if event.anonymous_id is not None:
            self._links.pop(event.anonymous_id, None)
            self._linked[event.anonymous_id] = None


def forgetting(event: Event) -> Puts:
    """What `user.forgotten` does to histories and links: nothing is left of whom it names."""
    gone: Puts = {}
    if event.user_id is not None:
        gone[key(USER, event.user_id)] = None
    if event.anonymous_id is not None:
        gone |= {key(ANONYMOUS, event.anonymous_id): None, key(LINK, event.anonymous_id): None}
    return gone


def _visitor(event: Event) -> str | None:
    """The visitor whose link decides where an event goes."""
    return event.anonymous_id if event.user_id is None else None
