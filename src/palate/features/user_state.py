"""What is known of a person now: attributes, and the last events that name an item.

Writes: every ordinary event with an item, `user.upserted`, and `user.identified`, which moves a
visitor's history to a user once. Reads: one value by key.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from palate.events.log.base import Record
from palate.events.schema import USER_UPSERTED

__all__ = ["UserState", "decode_user", "encode_user"]


class UserState(msgspec.Struct, array_like=True, gc=False):
    """A user or an anonymous visitor. The four lists are columns of one history.

    Attributes:
        updated_offset: The log offset of the last event that changed this.
        attributes: Of the last `user.upserted`; empty where there was none.
        item_ids: What they dealt with, oldest first; an item may repeat.
        events: The type of each event.
        values: The value of each event, None where it had none.
        timestamps: When each happened, microseconds since 1970 UTC; never falls.
    """

    updated_offset: int = 0
    attributes: dict[str, Any] = {}
    item_ids: list[str] = []
    events: list[str] = []
    values: list[float | None] = []
    timestamps: list[int] = []

    def apply(self, records: Sequence[Record], limit: int) -> None:
        """Take in this person's `records`, in the order of the log; keep the last `limit`.

        Events are ordered by time, those of one time by arrival. An upsert replaces all
        attributes; the last to arrive counts.
        """
        for record in records:
            event = record.event
            if event.event == USER_UPSERTED:
                self.attributes = event.attributes or {}
            elif event.item_id is not None:
                times = self.timestamps
                if not times or times[-1] <= event.timestamp:  # on time: at the end
                    self.item_ids.append(event.item_id)
                    self.events.append(event.event)
                    self.values.append(event.value)
                    times.append(event.timestamp)
                else:
                    place = bisect_right(times, event.timestamp)
                    self.item_ids.insert(place, event.item_id)
                    self.events.insert(place, event.event)
                    self.values.insert(place, event.value)
                    times.insert(place, event.timestamp)
            self.updated_offset = record.offset
        self.keep_last(limit)

    def join(self, visitor: UserState, offset: int, limit: int) -> None:
        """Take over the history of a visitor who turned out to be this person at `offset`.

        Events of one time: this person's own come first.
        """
        if not visitor.timestamps:
            return
        times = self.timestamps + visitor.timestamps
        order = sorted(range(len(times)), key=times.__getitem__)
        items, events = self.item_ids + visitor.item_ids, self.events + visitor.events
        values = self.values + visitor.values
        self.item_ids = [items[place] for place in order]
        self.events = [events[place] for place in order]
        self.values = [values[place] for place in order]
        self.timestamps = [times[place] for place in order]
        self.updated_offset = offset
        self.keep_last(limit)

    def keep_last(self, limit: int) -> None:
        """Forget all but the last `limit` events."""
        surplus = len(self.timestamps) - limit
        if surplus > 0:
            del self.item_ids[:surplus]
            del self.events[:surplus]
            del self.values[:surplus]
            del self.timestamps[:surplus]


encode_user: Final = msgspec.msgpack.Encoder().encode
decode_user: Final = msgspec.msgpack.Decoder(UserState).decode
