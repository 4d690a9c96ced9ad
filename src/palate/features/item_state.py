"""What is known of an item now: attributes, and whether it may be shown.

Writes: `item.upserted` and `item.deleted`. Reads: one value by key, or a slate's in one go.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from palate.events.log.base import Record
from palate.events.schema import ITEM_DELETED

__all__ = ["HIDDEN", "ItemState", "decode_item", "encode_item", "item_state_of"]

HIDDEN: Final = "hidden"  # the attribute that keeps a live item out of every slate


class ItemState(msgspec.Struct, array_like=True, frozen=True):
    """An item. A deleted one stays as a tombstone, so that a model's slate can be filtered.

    Attributes:
        updated_offset: The log offset of the event that made this.
        timestamp: When that happened, microseconds since 1970 UTC.
        deleted: Whether that was `item.deleted`; a later upsert brings the item back.
        attributes: Of the last upsert; empty for a deleted item.
    """

    updated_offset: int
    timestamp: int
    deleted: bool = False
    attributes: dict[str, Any] = {}

    @property
    def hidden(self) -> bool:
        """Whether the item was upserted with the attribute `hidden: true`."""
        return self.attributes.get(HIDDEN) is True

    @property
    def showable(self) -> bool:
        """Whether a slate may hold it: neither deleted nor hidden."""
        return not self.deleted and not self.hidden


def item_state_of(record: Record) -> ItemState:
    """What `item.upserted` or `item.deleted` makes of an item, whatever it was before."""
    event = record.event
    if event.event == ITEM_DELETED:
        return ItemState(record.offset, event.timestamp, deleted=True)
    return ItemState(record.offset, event.timestamp, attributes=event.attributes or {})


encode_item: Final = msgspec.msgpack.Encoder().encode
decode_item: Final = msgspec.msgpack.Decoder(ItemState).decode
