"""Ordinary events as columns: for whoever takes in millions of them at once."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, runtime_checkable

from palate.events.log.base import EventLog
from palate.events.schema import RESERVED

__all__ = ["SELECT_INTERACTIONS", "ColumnLog", "Interactions", "interactions"]

_PAGE: Final = 10_000
_RESERVED: Final = ", ".join(f"'{kind}'" for kind in sorted(RESERVED))

SELECT_INTERACTIONS: Final = (
    'SELECT "offset", event, user_id, anonymous_id, item_id, timestamp, value, event_id '
    "FROM events "
    'WHERE "offset" > ? AND "offset" <= ? AND item_id IS NOT NULL '
    f"AND coalesce(user_id, anonymous_id) IS NOT NULL AND event NOT IN ({_RESERVED}) "
    'ORDER BY "offset"'
)


class Interactions(NamedTuple):
    """Events of no reserved type that name a person and an item, by offset.

    Attributes:
        offsets: In the log; they rise.
        events: Types.
        user_ids: Who; None where only the visitor is known.
        anonymous_ids: The visitor, or None.
        item_ids: About what.
        timestamps: When each happened, microseconds since 1970 UTC.
        values: What was said with it, or None.
        event_ids: What makes it the same event when it is delivered again.
    """

    offsets: tuple[int, ...] = ()
    events: tuple[str, ...] = ()
    user_ids: tuple[str | None, ...] = ()
    anonymous_ids: tuple[str | None, ...] = ()
    item_ids: tuple[str, ...] = ()
    timestamps: tuple[int, ...] = ()
    values: tuple[float | None, ...] = ()
    event_ids: tuple[str, ...] = ()


@runtime_checkable
class ColumnLog(Protocol):
    """A log that gives columns without making an object of each event."""

    def interactions(self, after: int, upto: int) -> Interactions:
        """Those with an offset above `after`, up to `upto`."""
        ...


def interactions(log: EventLog, after: int, upto: int) -> Interactions:
    """Columns of any log: its own, or made from its records."""
    if isinstance(log, ColumnLog):
        return log.interactions(after, upto)
    rows: list[tuple[int, str, str | None, str | None, str, int, float | None, str]] = []
    while after < upto and (records := log.read(after, limit=_PAGE)):
        rows += [
            (
                r.offset,
                e.event,
                e.user_id,
                e.anonymous_id,
                e.item_id,
                e.timestamp,
                e.value,
                e.event_id,
            )
            for r in records
            if (e := r.event).item_id is not None
            and r.offset <= upto
            and e.event not in RESERVED
            and (e.user_id is not None or e.anonymous_id is not None)
        ]
        after = records[-1].offset
    return Interactions(*zip(*rows, strict=True)) if rows else Interactions()
