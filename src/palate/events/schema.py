"""What an event is, and when one is refused."""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = [
    "ABOUT_ITEMS",
    "BY",
    "ITEM_DELETED",
    "ITEM_EMBEDDED",
    "ITEM_UPSERTED",
    "KEPT",
    "RESERVED",
    "SERVED",
    "USER_FORGOTTEN",
    "USER_IDENTIFIED",
    "USER_UPSERTED",
    "Event",
]

ITEM_UPSERTED: Final = "item.upserted"
ITEM_DELETED: Final = "item.deleted"
USER_UPSERTED: Final = "user.upserted"
USER_IDENTIFIED: Final = "user.identified"
USER_FORGOTTEN: Final = "user.forgotten"
SERVED: Final = "served"
ITEM_EMBEDDED: Final = "item.embedded"
"""Of the topic `item_embeddings` alone; the event log takes none."""

ABOUT_ITEMS: Final = (ITEM_UPSERTED, ITEM_DELETED)
"""Changes of an item."""

KEPT: Final = (*ABOUT_ITEMS, USER_UPSERTED, USER_IDENTIFIED, USER_FORGOTTEN)
"""What an item or a user is. It does not go away with age, only when it is replaced."""

RESERVED: Final = frozenset({*KEPT, SERVED, ITEM_EMBEDDED})

BY: Final = "by"
"""In the context of a reserved event: who sent it."""


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Something that happened. Times are microseconds since 1970 UTC.

    Attributes:
        event: Its type: one that the settings name, any other, or a reserved one.
        event_id: Distinct; made (UUIDv7) where the sender gave none.
        user_id: Who; or `anonymous_id` for a visitor who has not signed in.
        item_id: About what.
        timestamp: When it happened.
        received_at: When we knew; set by the log's writer.
        value: A rating, a price, seconds: what the event type says.
        attributes: Of the item or user, for `item.upserted` and `user.upserted`.
        context: Anything else that the sender wants kept.
    """

    event: str
    event_id: str = ""
    user_id: str | None = None
    anonymous_id: str | None = None
    item_id: str | None = None
    timestamp: int = 0
    received_at: int = 0
    value: float | None = None
    request_id: str | None = None
    position: int | None = None
    surface: str | None = None
    attributes: dict[str, Any] | None = None
    context: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """What order is kept by: the item for `item.*`, else the user."""
        if self.event.startswith("item."):
            return self.item_id or ""
        return self.user_id or self.anonymous_id or ""
