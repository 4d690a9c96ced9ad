"""Histories of the people of one batch: loaded, changed, and given back as bytes."""

from __future__ import annotations

from collections.abc import Sequence

from palate.events.log.base import Record
from palate.features.decoded import decoded
from palate.features.people import Puts, Reads
from palate.features.user_state import UserState, decode_user, encode_user

__all__ = ["Histories"]


class Histories:
    """A `Follower` that keeps a `UserState` of each person.

    Args:
        limit: Most recent events kept per person.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stored: dict[bytes, UserState | None] = {}
        self._states: dict[bytes, UserState | None] = {}  # None: moved to a user
        self._pending: dict[bytes, list[Record]] = {}

    def load(self, store: Reads, people: Sequence[bytes]) -> None:
        """Read their histories."""
        raws = store.get_many(people)
        self._stored = {
            who: decoded(raw, decode_user) for who, raw in zip(people, raws, strict=True) if raw
        }

    def took(self, who: bytes, record: Record) -> None:
        """Taken in later, with all else that they did."""
        self._pending.setdefault(who, []).append(record)

    def joined(self, user: bytes, visitor: bytes, offset: int) -> None:
        """Give the visitor's events to the user, once."""
        left = self._settle(visitor)
        if left is None:
            return  # nothing that is not with somebody already
        state = self._settle(user) or UserState()
        state.join(left, offset, self._limit)
        self._states[user] = state
        self._states[visitor] = None

    def forgot(self, who: bytes) -> None:
        """Leave nothing of somebody."""
        self._pending.pop(who, None)
        self._states[who] = None

    def changed(self) -> Puts:
        """New values of all that was touched."""
        for who in list(self._pending):
            self._settle(who)
        return {
            who: None if state is None else encode_user(state)
            for who, state in self._states.items()
        }

    def _settle(self, who: bytes) -> UserState | None:
        """The state of `who` with all that was taken so far."""
        state = self._states[who] if who in self._states else self._stored.get(who)
        records = self._pending.pop(who, None)
        if records is not None:
            state = state or UserState()
            state.apply(records, self._limit)
            self._states[who] = state
        return state
