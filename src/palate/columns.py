"""Canonical column names: the same in settings, frames, routes and tables."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ANONYMOUS_ID",
    "ATTRIBUTES",
    "CONTEXT",
    "EVENT",
    "EVENT_ID",
    "ITEM_ID",
    "ITEM_VERSION",
    "POSITION",
    "RANK",
    "RECEIVED_AT",
    "REQUEST_ID",
    "SCORE",
    "SIMILAR_ITEM_ID",
    "SURFACE",
    "TIMESTAMP",
    "USER_ID",
    "VALUE",
]

EVENT_ID: Final = "event_id"
EVENT: Final = "event"
USER_ID: Final = "user_id"
ANONYMOUS_ID: Final = "anonymous_id"
ITEM_ID: Final = "item_id"
ITEM_VERSION: Final = "item_version"  # what the item was just then; null: as it is known last
TIMESTAMP: Final = "timestamp"  # when it happened, UTC, microseconds
RECEIVED_AT: Final = "received_at"  # when we knew, UTC, microseconds
VALUE: Final = "value"  # rating, price, seconds: what the event type says
REQUEST_ID: Final = "request_id"
POSITION: Final = "position"
SURFACE: Final = "surface"
CONTEXT: Final = "context"
ATTRIBUTES: Final = "attributes"

RANK: Final = "rank"  # 1 is best
SCORE: Final = "score"  # higher is better
SIMILAR_ITEM_ID: Final = "similar_item_id"
