"""State: what the log says of every user and item now, kept for reads within a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from palate.config import Schema
from palate.errors import StoreError
from palate.events.log.base import EventLog, Record, batches
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, RESERVED, USER_UPSERTED
from palate.features.item_state import ItemState, decode_item, encode_item, item_state_of
from palate.features.user_state import UserState, decode_user, encode_user
from palate.store.base import OnlineStore
from palate.types import Progress

__all__ = ["State"]

_USER: Final = b"u:"
_ANONYMOUS: Final = b"a:"  # a namespace of its own: a visitor is never a user of the same text
_ITEM: Final = b"i:"
_MADE_BY: Final = b"m:made_by"  # what the stored values depend on beside the log
_T = TypeVar("_T")
_FORMAT: Final = 1  # raise it with any change of UserState or ItemState


class State:
    """Users and items as the log left them, in an `OnlineStore`.

    State is a function of the log: `rebuild` gives what a lifetime of `apply` gave, as long
    as nothing was trimmed. One process applies, any may read.

    Args:
        store: Where it is kept, together with the log offset that it reflects.
        schema: What events and attributes mean.
        history_limit: Most recent events kept per user.
    """

    def __init__(self, store: OnlineStore, schema: Schema, history_limit: int) -> None:
        self.store = store
        self.schema = schema
        self.history_limit = history_limit
        self._made_by = msgspec.msgpack.encode((_FORMAT, history_limit))

    # ------------------------------------------------------------------ write

    def apply(self, records: Sequence[Record]) -> None:
        """Take in records, in the order of the log; those already applied change nothing.

        All of it is written at once together with the last offset.
        """
        done = self.store.offset()
        fresh = [record for record in records if record.offset > done]
        if not fresh:
            return
        puts: dict[bytes, bytes | None] = {}
        if done == 0:
            puts[_MADE_BY] = self._made_by
        people: dict[bytes, list[Record]] = {}
        for record in fresh:
            event = record.event
            if event.event in (ITEM_UPSERTED, ITEM_DELETED):
                if event.item_id is not None:
                    puts[_key(_ITEM, event.item_id)] = encode_item(item_state_of(record))
            elif event.event == USER_UPSERTED or (
                event.item_id is not None and event.event not in RESERVED
            ):
                key = _person(event.user_id, event.anonymous_id)
                if key is not None:
                    people.setdefault(key, []).append(record)
        for (key, theirs), raw in zip(
            people.items(), self.store.get_many(list(people)), strict=True
        ):
            user = _decoded(raw, decode_user) or UserState()
            user.apply(theirs, self.history_limit)
            puts[key] = encode_user(user)
        self.store.write(puts, offset=fresh[-1].offset)

    def catch_up(self, log: EventLog, progress: Progress | None = None) -> int:
        """Apply what `log` has beyond this state; how many records that was.

        A state that was kept under another `history_limit` or format is rebuilt.

        Raises:
            StoreError: The state reflects more than the log holds: it is another log's.
        """
        if not self.is_current():
            return self.rebuild(log, progress)
        start, head = self.store.offset(), log.head()
        if start > head:
            raise StoreError(
                f"the state reflects offset {start}, but the event log ends at {head}",
                hint="the log was replaced: delete the state's folder to rebuild it",
            )
        count = 0
        for records in batches(log, start):
            self.apply(records)
            count += len(records)
            if progress is not None:
                progress(records[-1].offset - start, head - start, "replaying the log")
        return count

    def rebuild(self, log: EventLog, progress: Progress | None = None) -> int:
        """Forget everything and apply the whole log; how many records that was."""
        self.store.clear()
        return self.catch_up(log, progress)

    def is_current(self) -> bool:
        """Whether what is stored was made with these settings by this version."""
        return self.store.offset() == 0 or self.store.get(_MADE_BY) == self._made_by

    def offset(self) -> int:
        """The log offset that the state reflects; 0 for none."""
        return self.store.offset()

    # ------------------------------------------------------------------ read

    def user(self, user_id: str) -> UserState | None:
        """What is known of a user; None for one who did nothing."""
        return _decoded(self.store.get(_key(_USER, user_id)), decode_user)

    def anonymous(self, anonymous_id: str) -> UserState | None:
        """What is known of a visitor who has not signed in; None for one who did nothing."""
        return _decoded(self.store.get(_key(_ANONYMOUS, anonymous_id)), decode_user)

    def item(self, item_id: str) -> ItemState | None:
        """What is known of an item, deleted ones included; None for one never upserted."""
        return self.item_states([item_id])[0]

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        """As `item` for each of `ids`, all from one moment, in one round trip."""
        raws = self.store.get_many([_key(_ITEM, item_id) for item_id in ids])
        return [_decoded(raw, decode_item) for raw in raws]

    def items(self, after: str | None = None, limit: int = 100) -> list[tuple[str, ItemState]]:
        """Up to `limit` items that are not deleted (hidden ones included), by id.

        Args:
            after: The last id of the page before; None for the first page.
            limit: Fewer come back only at the end.
        """
        start = None if after is None else _key(_ITEM, after)
        found: list[tuple[str, ItemState]] = []
        for key, raw in self.store.scan(_ITEM, after=start):
            if len(found) == limit:
                break
            item = _decoded(raw, decode_item)
            if item is not None and not item.deleted:
                found.append((key[len(_ITEM) :].decode(), item))
        return found

    def users(self, after: str | None = None, limit: int = 100) -> list[str]:
        """Up to `limit` user ids, in order, after the id `after`; visitors are not among them."""
        start = None if after is None else _key(_USER, after)
        pairs: Iterable[tuple[bytes, bytes]] = self.store.scan(_USER, after=start, limit=limit)
        return [key[len(_USER) :].decode() for key, _ in pairs]

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def _key(prefix: bytes, public: str) -> bytes:
    """The key of an id; also of one that is not text, such as a mangled argument: it has none."""
    return prefix + public.encode("utf-8", "surrogatepass")


def _person(user_id: str | None, anonymous_id: str | None) -> bytes | None:
    if user_id is not None:
        return _key(_USER, user_id)
    return None if anonymous_id is None else _key(_ANONYMOUS, anonymous_id)


def _decoded(raw: bytes | None, decode: Callable[[bytes], _T]) -> _T | None:
    if raw is None:
        return None
    try:
        return decode(raw)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the state was written by another version of Palate: {error}",
            hint="restart the process that owns the event log: it rebuilds the state",
        ) from error
