"""State: what the log says of every user and item now, kept for reads within a request."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from palate.config import Schema
from palate.errors import StoreError
from palate.events.log.base import EventLog, Record, batches
from palate.events.schema import ABOUT_ITEMS
from palate.features.bulk import load
from palate.features.changes import Puts, changes
from palate.features.decoded import decoded
from palate.features.item_state import ItemState, decode_item
from palate.features.kept_profiles import KeptProfiles
from palate.features.keys import ANONYMOUS, ITEM, LINK, META, USER, key
from palate.features.recent_ids import RecentIds
from palate.features.user_state import UserState, decode_user
from palate.store.base import OnlineStore
from palate.types import Progress

if TYPE_CHECKING:
    from palate.features.profile.definition import ProfileDefinition

__all__ = ["State"]

_MADE_BY: Final = META + b"made_by"  # what the stored values depend on beside the log
_UNFINISHED: Final = META + b"unfinished"  # there while much is taken in at once
_FORMAT: Final = 3  # raise it with any change of UserState, ItemState, profiles or the keys
_ITEMS: Final = META + b"items"  # the offset up to which the last change of an item came
_ANYWHERE: Final = b"?"  # in its place: they change in more than one partition
_MANY: Final = 50_000  # records from which they are taken in as columns


class State:
    """Users and items as the log left them, in an `OnlineStore`.

    State is a function of the log: `rebuild` gives what a lifetime of `apply` gave. Where the
    log was trimmed, a base (a state that reflects what was dropped, and perhaps more) stands
    for its beginning. One process applies, any may read.

    A log may have partitions, each with offsets of its own, which are applied one by one. Palate's
    own has one, 0; `catch_up` and `rebuild` read such a log.

    Args:
        store: Where it is kept, together with the log offset that it reflects.
        schema: What events and attributes mean.
        history_limit: Most recent events kept per user.
        profile: Whose profiles are kept; None for none.
    """

    def __init__(
        self,
        store: OnlineStore,
        schema: Schema,
        history_limit: int,
        *,
        profile: ProfileDefinition | None = None,
    ) -> None:
        self.store = store
        self.schema = schema
        self.history_limit = history_limit
        self.profiles = KeptProfiles(store, profile)
        self._made_by = msgspec.msgpack.encode((_FORMAT, history_limit))
        # By partition, with the offset up to which they are; none where a write failed.
        self._recent: dict[int, tuple[int, RecentIds]] = {}
        self._anywhere: bool | None = None  # whether items change in more than one

    # ------------------------------------------------------------------ write

    def apply(
        self,
        records: Sequence[Record],
        *,
        upto: int | None = None,
        after: int | None = None,
        partition: int = 0,
    ) -> None:
        """Take in records, in the order of the log; those already applied change nothing.

        Nor does what somebody did that was applied a short while ago, under the same `event_id` at
        another offset (`recent_ids`). All of it is written at once, together with the last offset
        and the ids.

        Args:
            records: Of one partition, whose offsets rise.
            upto: Where they are all that the log has up to this offset: the last one's offset
                may be smaller, for records are dropped with age.
            after: The offset that this state must reflect, where the caller knows: between it
                and the records the log has nothing. By default what it reflects is believed.
            partition: Of the log.

        Raises:
            StoreError: It cannot be written, or reflects something else: it came back older than
                it was, and `catch_up` helps.
        """
        done = self.store.offset(partition) if after is None else after
        fresh = [record for record in records if record.offset > done]
        end = max(done, fresh[-1].offset if fresh else 0, upto or 0)
        if end == done:
            return
        if done == 0:
            self.profiles.begin()
        puts: Puts = {_MADE_BY: self._made_by} if done == 0 else {}
        reached, ids = self._recent.pop(partition, (-1, RecentIds()))
        if reached != done:
            ids = RecentIds.at(self.store, done, partition)
        once = ids.once(fresh)
        puts.update(changes(self.store, once, self.history_limit, self.profiles.followed()))
        puts.update(ids.changed(end))
        newest = next((r.offset for r in reversed(fresh) if r.event.event in ABOUT_ITEMS), None)
        if newest is not None or done == 0:
            puts.update(self._items_changed(newest or 0, partition))
        self.store.write(puts, offset=end, after=done, partition=partition)
        self._recent[partition] = (end, ids)

    def _items_changed(self, newest: int, partition: int) -> Puts:
        """Says when an item changed last; once they change in other partitions nobody can say."""
        if partition:
            self._anywhere = self._anywhere or newest > 0
            return {_ITEMS: _ANYWHERE} if newest else {}
        if self._anywhere is None:  # looked up once: this process alone writes
            self._anywhere = self.store.get(_ITEMS) == _ANYWHERE
        return {} if self._anywhere else {_ITEMS: b"%d" % newest}

    def catch_up(
        self, log: EventLog, progress: Progress | None = None, *, base: State | None = None
    ) -> int:
        """Apply what `log` has beyond this state; how many offsets that was.

        A state that was kept under another `history_limit` or format, whose last rebuild was
        cut short, or that ends before the log begins, is rebuilt.

        Args:
            log: Whose state this is.
            progress: Called now and then.
            base: Stands for what was trimmed, where a rebuild needs it.

        Raises:
            StoreError: The state reflects more than the log holds: it is another log's. Or the
                log was trimmed and `base` does not reach to where it begins.
        """
        if not self.is_current() or self.store.offset() + 1 < log.start():
            return self.rebuild(log, progress, base=base)
        start, head = self.store.offset(), log.head()
        if start > head:
            raise StoreError(
                f"the state reflects offset {start}, but the event log ends at {head}",
                hint="the log was replaced: delete the state's folder to rebuild it; on a Redis "
                "server, another home may use the same [store] namespace",
            )
        if head - start >= _MANY:
            self._catch_up_with_many(log, head, progress)
        else:
            for records in batches(log, start):
                self.apply(records)
                if progress is not None:
                    progress(records[-1].offset - start, head - start, "replaying the log")
        self.profiles.settle(log, self.store.offset(), progress)
        return head - start

    def rebuild(
        self, log: EventLog, progress: Progress | None = None, *, base: State | None = None
    ) -> int:
        """Forget everything and apply the whole log; errors and result as `catch_up`."""
        averages = self.profiles.averages()
        self._recent.clear()
        self._anywhere = None
        if log.start() > 1:
            self._begin_with(_reaching(base, log))
        else:
            self.store.clear()
        self.store.write(averages)
        return self.catch_up(log, progress)

    def _begin_with(self, base: State) -> None:
        """Become a copy of `base`, under this `history_limit`."""
        self.store.clear()
        self.store.write({_UNFINISHED: b""})
        for puts in load.copied(base.store, self.history_limit):
            self.store.write(puts)
        self.profiles.register_of(base.store)
        end, items = base.offset(), base.items_offset()
        self.store.write(self._finished(end if items is None else items), offset=end)

    def _catch_up_with_many(self, log: EventLog, head: int, progress: Progress | None) -> None:
        """In parts that are not whole by themselves: until the end it counts as unfinished."""
        start = self.store.offset()
        self.store.write({_UNFINISHED: b""})
        self.profiles.fill(log, start, head, progress)
        with _uncollected():
            for done in load.take_in(self.store, log, start, head, self.history_limit):
                if progress is not None:
                    progress(done - start, head - start, "replaying the log")
        # Which of them were items' nobody looked at: the last may have been.
        self.store.write(self._finished(head), offset=head)

    def _finished(self, items: int) -> Puts:
        """What is written when many were taken in, of which the last item's came at `items`."""
        return {_UNFINISHED: None, _MADE_BY: self._made_by, **self._items_changed(items, 0)}

    def is_current(self) -> bool:
        """Whether what is stored is whole, and made with these settings by this version."""
        made_by, unfinished = self.store.get_many([_MADE_BY, _UNFINISHED])
        return unfinished is None and (self.store.offset() == 0 or made_by == self._made_by)

    def is_readable(self) -> bool:
        """Whether what is stored is whole and made by this version, under any settings."""
        made_by, unfinished = self.store.get_many([_MADE_BY, _UNFINISHED])
        if unfinished is not None:
            return False
        return made_by is None or bool(msgspec.msgpack.decode(made_by)[0] == _FORMAT)

    def offset(self) -> int:
        """The log offset that the state reflects; 0 for none."""
        return self.store.offset()

    def items_offset(self) -> int | None:
        """An offset after which no item changed, as far as the state reflects; None: not known."""
        raw = self.store.get(_ITEMS)
        return None if raw is None or raw == _ANYWHERE else int(raw)

    def erase(self, people: Puts) -> None:
        """Delete these people, and their profiles; what `forgetting` gave of them."""
        self.store.write({**people, **dict.fromkeys(self.profiles.keys_of(people))})

    # ------------------------------------------------------------------ read

    def user(self, user_id: str) -> UserState | None:
        """What is known of a user; None for one who did nothing."""
        return decoded(self.store.get(key(USER, user_id)), decode_user)

    def anonymous(self, anonymous_id: str) -> UserState | None:
        """What is known of a visitor alone; None for one who did nothing, or was identified."""
        return decoded(self.store.get(key(ANONYMOUS, anonymous_id)), decode_user)

    def linked(self, anonymous_id: str) -> str | None:
        """The user that a visitor turned out to be last; None for one not identified."""
        raw = self.store.get(key(LINK, anonymous_id))
        return None if raw is None else raw.decode("utf-8", "surrogatepass")

    def item(self, item_id: str) -> ItemState | None:
        """What is known of an item, deleted ones included; None for one never upserted."""
        return self.item_states([item_id])[0]

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        """As `item` for each of `ids`, all from one moment, in one round trip."""
        raws = self.store.get_many([key(ITEM, item_id) for item_id in ids])
        return [decoded(raw, decode_item) for raw in raws]

    def items(self, after: str | None = None, limit: int = 100) -> list[tuple[str, ItemState]]:
        """Up to `limit` items that are not deleted (hidden ones included), by id.

        Args:
            after: The last id of the page before; None for the first page.
            limit: Fewer come back only at the end.
        """
        start = None if after is None else key(ITEM, after)
        found: list[tuple[str, ItemState]] = []
        for name, raw in self.store.scan(ITEM, after=start):
            if len(found) == limit:
                break
            item = decoded(raw, decode_item)
            if item is not None and not item.deleted:
                found.append((name[len(ITEM) :].decode(), item))
        return found

    def users(self, after: str | None = None, limit: int = 100) -> list[str]:
        """Up to `limit` user ids, in order, after the id `after`; visitors are not among them."""
        start = None if after is None else key(USER, after)
        pairs: Iterable[tuple[bytes, bytes]] = self.store.scan(USER, after=start, limit=limit)
        return [name[len(USER) :].decode() for name, _ in pairs]

    def close(self) -> None:
        """Close the store."""
        self.store.close()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: millions of rows have none, and it costs a quarter."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _reaching(base: State | None, log: EventLog) -> State:
    """`base`, if a rebuild from `log` may begin with it."""
    lost = f"the event log begins at offset {log.start()}: what was before is gone from it"
    hint = "palate restore puts a backup back; without one, delete events/ and state/ to begin anew"
    if base is None or base.offset() == 0:
        raise StoreError(f"{lost}, and there is no base to rebuild the state from", hint=hint)
    if not base.is_readable():
        raise StoreError(f"{lost}, and another version of Palate wrote the base", hint=hint)
    if not log.start() - 1 <= base.offset() <= log.head():
        raise StoreError(f"{lost}, and the base reflects offset {base.offset()}", hint=hint)
    return base
