"""The embedded event log: one SQLite file that one process writes and any process reads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from palate.errors import EventError, LogError
from palate.events.identity import id_key, now_us
from palate.events.log import tables
from palate.events.log.base import Appended, Record
from palate.events.log.files import LogFiles
from palate.events.log.groups import ConsumerGroups, Group
from palate.events.log.interactions import SELECT_INTERACTIONS, Interactions
from palate.events.log.recent_ids import known_ids, prune_ids
from palate.events.log.upkeep import Dropped, bury, compact, expire
from palate.events.schema import Event
from palate.events.sound import fault
from palate.types import Verdict

__all__ = ["SqliteEventLog"]

T = TypeVar("T")

_PRUNE: Final = 2000  # expired ids dropped per append, at least
_STEP: Final = 2000  # offsets or records looked at in one transaction of trim, compact, bury


class SqliteEventLog:
    """An `EventLog` in a SQLite file (write-ahead log).

    The opener owns the log until it closes or dies; `read_only=True` opens beside it, in this
    process or another. Threads may share one object. Beside `path` stand `path.lock` (the
    owner's process id) and `path.groups` (consumer groups, which any process may commit).

    Args:
        path: The file; its folder is made by the owner.
        durability: `process`: what was acknowledged survives `kill -9`; `power`: and a power
            cut, for the price of one flush to disk per append.
        dedup_window_s: Seconds for which a repeated `event_id` is a duplicate; 0 for never.
        read_only: Read beside the owner; `append` and `trim` are refused.

    Raises:
        LogError: Another process owns the log; the file is no log, of another version, or
            cannot be opened; it is missing (read-only).
    """

    def __init__(
        self,
        path: Path,
        *,
        durability: Literal["process", "power"] = "process",
        dedup_window_s: int = 7 * 86400,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self._window_us = dedup_window_s * 1_000_000
        self._write_lock = threading.Lock()
        self._checkpointed = -1  # the head at the last checkpoint
        self._oldest_id_at = 0  # no id that is kept was received before, microseconds
        power = durability == "power"
        with ExitStack() as opened:  # closed again where the opening fails
            self._files = LogFiles(path, read_only=read_only, power=power)
            opened.callback(self._files.close)
            self._groups = ConsumerGroups(path.with_name(path.name + ".groups"), power=power)
            opened.callback(self._groups.close)
            self._head, self._received_at = self._newest()
            if not read_only:
                self._groups.clamp(self._head)
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ write

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in order, all or nothing, durable when it returns; sets `received_at`.

        Raises:
            EventError: An event has no id or cannot be encoded; nothing was appended.
            LogError: The log is read-only, or its disk is full; nothing was appended.
        """
        if not events:
            return []
        keys = [_key(event) for event in events]
        with self._write_lock, self._files.transaction() as writer:
            # Never falls, whatever the clock does: pruning relies on it.
            received_at = max(now_us(), self._received_at)
            cutoff = received_at - self._window_us
            known = known_ids(writer, keys, cutoff) if self._window_us else {}
            appended = self._judge(keys, known)
            fresh = [
                (done.offset, event, key)
                for event, key, done in zip(events, keys, appended, strict=True)
                if done.verdict is Verdict.ACCEPTED
            ]
            writer.executemany(
                "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)",
                [tables.row_of(offset, event, received_at) for offset, event, _ in fresh],
            )
            if self._window_us:
                writer.executemany(
                    "INSERT INTO recent_ids VALUES (?,?,?)",
                    [(offset, key, received_at) for offset, _, key in fresh],
                )
            oldest_id_at: int | None = self._oldest_id_at
            if self._oldest_id_at < cutoff:
                oldest_id_at = prune_ids(writer, cutoff, max(_PRUNE, 2 * len(fresh)))
            writer.execute("COMMIT")
            self._oldest_id_at = received_at if oldest_id_at is None else oldest_id_at
            self._head += len(fresh)
            self._received_at = received_at
        return appended

    def _judge(self, keys: list[bytes], known: dict[bytes, int]) -> list[Appended]:
        """A verdict and an offset for each key, given the offsets of those that are known."""
        appended: list[Appended] = []
        head = self._head
        for key in keys:
            repeated = known.get(key)
            if repeated is not None:
                appended.append(Appended(Verdict.DUPLICATE, repeated))
                continue
            head += 1
            if self._window_us:
                known[key] = head
            appended.append(Appended(Verdict.ACCEPTED, head))
        return appended

    def trim(self, before: int, *, steps: int | None = None) -> int:
        """Drop what people did below `before` where every group has passed; how many records.

        What items and users are stays until `compact`. Ids within the window stay known, so a
        trimmed event is still a duplicate.

        Args:
            before: The first offset that stays.
            steps: Look at so many offsets at most, and leave the rest to later calls.

        Raises:
            LogError: The log is read-only, or its disk is full.
        """
        below = min(before, self.passed() + 1)
        return self._drop(expire, below, steps).records

    def compact(self, upto: int, *, steps: int | None = None) -> Dropped:
        """Drop versions of items and users that a record up to `upto` replaced.

        Only what every group has passed counts. A second call goes on where the first ended.

        Raises:
            LogError: The log is read-only, or its disk is full.
        """
        return self._drop(compact, min(upto, self.passed()), steps)

    def bury(self, upto: int, *, steps: int | None = None) -> Dropped:
        """Drop tombstones (`item.deleted`) up to `upto`, where `compact` has been.

        The newest record stays, so that no offset is ever used twice.

        Raises:
            LogError: The log is read-only, or its disk is full.
        """
        return self._drop(bury, min(upto, self.passed(), self._head - 1), steps)

    def _drop(
        self,
        step: Callable[[sqlite3.Connection, int, int], Dropped],
        upto: int,
        steps: int | None,
    ) -> Dropped:
        """One transaction a step, so that appends come in between."""
        records = 0
        while True:
            with self._write_lock, self._files.transaction() as writer:
                if self._files.renewing:  # what was copied already would come back
                    return Dropped(records, more=False)
                done = step(writer, upto, _STEP if steps is None else steps)
                writer.execute("COMMIT")
            records += done.records
            if steps is not None or not done.more:
                return Dropped(records, done.more)

    def erase(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which takes people out of the tables, in one transaction of its own.

        Raises:
            LogError: The log is read-only, or its disk is full; nothing was changed.
        """
        with self._write_lock, self._files.transaction() as writer:
            self._files.abandon()
            result = work(writer)
            writer.execute("COMMIT")
        return result

    def rewrite(self) -> bool:
        """Do a little towards a file that holds no byte of what was dropped; whether it is done.

        Call again until it is. Appends come in between, and wait only for the last few rows.
        Nothing is dropped meanwhile: `trim`, `compact` and `bury` leave it for later, and `erase`
        begins all of this again.

        Raises:
            LogError: The log is read-only, its disk is full, or a reader does not end; the old
                file stays.
        """
        with self._write_lock:
            self._files.begin()
        if self._files.fill(self._head):
            return False
        with self._write_lock:
            done = self._files.replace(self._head)
        if not done:
            self._files.rest()
        return done

    def checkpoint(self) -> None:
        """Do a part of SQLite's own work beside appends, so that none of them waits long for it.

        Raises:
            LogError: The log is read-only, or its disk is full.
        """
        head = self._head
        if head != self._checkpointed:
            self._files.checkpoint()
            self._checkpointed = head

    def passed(self) -> int:
        """The offset up to which every group is done; the head where there is no group."""
        slowest = self._groups.slowest()
        return self._head if slowest is None else min(self._head, slowest)

    # ------------------------------------------------------------------ read

    def read(
        self, after: int = 0, *, limit: int = 1000, events: Sequence[str] | None = None
    ) -> list[Record]:
        """Records with an offset above `after`, oldest first; `events` keeps some types.

        Raises:
            LogError: The file is damaged.
        """
        sql, values = f'{tables.SELECT} WHERE "offset" > ?', [after]
        types = list(events or ())
        if events is not None:
            if types and all("." in event for event in types):
                sql = f'{tables.SELECT} INDEXED BY entities WHERE "offset" > ? AND {tables.ENTITY}'
            sql += f" AND event IN ({','.join('?' * len(types))})"
        rows = self._files.fetch(f'{sql} ORDER BY "offset" LIMIT ?', (*values, *types, limit))
        return [tables.record_of(row) for row in rows]

    def interactions(self, after: int, upto: int) -> Interactions:
        """Ordinary events that name a person and an item, above `after` up to `upto`, as columns.

        Raises:
            LogError: The file is damaged.
        """
        rows = self._files.fetch(SELECT_INTERACTIONS, (after, upto))
        return Interactions(*zip(*rows, strict=True)) if rows else Interactions()

    def head(self) -> int:
        """The newest offset; 0 for an empty log."""
        return self._newest()[0]

    def start(self) -> int:
        """The offset from which the log is whole: 1, or where `trim` has come to."""
        rows: list[tuple[int]] = self._files.fetch("SELECT below FROM trimmed")
        return rows[0][0]

    def offset_before(self, received_at: int) -> int:
        """The offset up to which all was received before `received_at`; 0 for nothing.

        `received_at` is in microseconds since 1970 UTC.
        """
        low, high = 0, self.head()  # what is up to `low` was received before, what is above
        while low < high:  # `high` was not: `received_at` never falls as offsets grow
            middle = (low + high + 1) // 2
            rows = self._files.fetch(
                'SELECT received_at FROM events WHERE "offset" <= ? ORDER BY "offset" DESC LIMIT 1',
                (middle,),
            )
            if not rows or rows[0][0] < received_at:
                low = middle
            else:
                high = middle - 1
        return low

    def _newest(self) -> tuple[int, int]:
        """The newest offset and its `received_at`, also where it was trimmed."""
        rows: list[tuple[int, int]] = self._files.fetch(
            'SELECT "offset", received_at FROM events UNION ALL SELECT below - 1, 0 FROM trimmed '
            'ORDER BY "offset" DESC LIMIT 1',
            (),
        )
        return rows[0]

    # ------------------------------------------------------------------ groups

    def committed(self, group: str) -> int:
        """The offset up to which `group` is done; 0 at first."""
        return self._groups.committed(group)

    def commit(self, group: str, offset: int) -> None:
        """`group` is done up to `offset`; never goes back. Any process may call it."""
        self._groups.commit(group, offset)

    def lease(self, group: str, owner: str, *, ttl_s: float) -> bool:
        """Make `owner` the active consumer of `group`, or renew; False while another is."""
        return self._groups.lease(group, owner, ttl_s=ttl_s)

    def release(self, group: str, owner: str) -> None:
        """Give the lease back; nothing happens where `owner` does not hold it."""
        self._groups.release(group, owner)

    def groups(self) -> list[Group]:
        """Every consumer group, by name."""
        return self._groups.all()

    def rewind(self, group: str, offset: int) -> None:
        """`group` begins again after `offset`. Any process may call it.

        Raises:
            LogError: The group has an active consumer, or what is after `offset` was trimmed.
        """
        if offset + 1 < self.start():
            raise LogError(
                f"what people did before offset {self.start()} was dropped with age",
                hint=f"begin at {self.start()}",
            )
        self._groups.rewind(group, offset)

    def forget_group(self, group: str) -> bool:
        """Drop a group that nobody uses, so that it holds no trim back; whether it was there.

        Raises:
            LogError: It has an active consumer.
        """
        return self._groups.forget(group)

    # ------------------------------------------------------------------ lifetime

    def close(self) -> None:
        """Close the files and let the next owner in."""
        with self._write_lock:
            self._groups.close()
            self._files.close()


def _key(event: Event) -> bytes:
    """What duplicates of `event` share; refuses an event that would not be read back as it is."""
    wrong = fault(event) if event.event_id else "it has no event_id"
    if wrong is not None:
        raise EventError(f"event {event.event_id!r} cannot enter the log: {wrong}")
    return id_key(event.event_id)
