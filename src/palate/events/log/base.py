"""The port of the event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from palate.events.schema import Event
from palate.types import Verdict

__all__ = ["Appended", "EventLog", "Record", "batches"]


class Record(msgspec.Struct, frozen=True):
    """An event with its place in the log; offsets grow by at least one from 1."""

    offset: int
    event: Event


class Appended(msgspec.Struct, frozen=True):
    """What became of one event of a batch."""

    verdict: Verdict  # accepted or duplicate
    offset: int  # of the event, or of the one that it repeats


@runtime_checkable
class EventLog(Protocol):
    """What people did, for good.

    What was acknowledged is read back at least once, in order per key, by every consumer
    group, across a crash. An `event_id` is accepted once within the de-duplication window.
    Retention never passes the slowest group. One active consumer per group.
    """

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in order, all or nothing, durable when it returns.

        Raises:
            EventError: An event has no id or cannot be written; nothing was appended.
            LogError: The log is read-only or its disk is full; nothing was appended.
        """
        ...

    def read(
        self, after: int = 0, *, limit: int = 1000, events: Sequence[str] | None = None
    ) -> list[Record]:
        """Records with an offset above `after`, oldest first; `events` keeps some types.

        A reader of some types takes `head()` first, and once it gets fewer than `limit`
        records goes on from that head, so that it never looks at the others twice.
        """
        ...

    def head(self) -> int:
        """The newest offset; 0 for an empty log."""
        ...

    def committed(self, group: str) -> int:
        """The offset up to which `group` is done; 0 at first."""
        ...

    def commit(self, group: str, offset: int) -> None:
        """`group` is done up to `offset`; never goes back."""
        ...

    def lease(self, group: str, owner: str, *, ttl_s: float) -> bool:
        """Make `owner` the active consumer of `group`, or renew; False while another is."""
        ...

    def release(self, group: str, owner: str) -> None:
        """Give the lease back; nothing happens where `owner` does not hold it."""
        ...

    def trim(self, before: int) -> int:
        """Drop what people did below `before` where every group has passed; how many records.

        What items and users are (`schema.KEPT`) stays until it is replaced.
        """
        ...

    def start(self) -> int:
        """The offset from which the log is whole: 1, or where `trim` has come to."""
        ...

    def close(self) -> None:
        """Give the files or connections back."""
        ...


def batches(
    log: EventLog, after: int = 0, *, size: int = 10_000, events: Sequence[str] | None = None
) -> Iterator[list[Record]]:
    """Everything from `after` up to the head at the time of the call, in batches of `size`."""
    head = log.head()
    while after < head:
        records = [r for r in log.read(after, limit=size, events=events) if r.offset <= head]
        if not records:
            return
        yield records
        after = records[-1].offset
