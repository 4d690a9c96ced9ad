"""The laws that every event in a log obeys, whoever wrote it."""

from __future__ import annotations

import math
import re
from typing import Final

from palate.events.schema import (
    ABOUT_ITEMS,
    RESERVED,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)

__all__ = ["MAX_ID_BYTES", "fault", "id_fault"]

MAX_ID_BYTES: Final = 500
"""Longest id, in bytes of UTF-8: with its prefix it is still a key of the online store (511)."""

_MAX_TIME_US: Final = 1 << 62
_ID_FIELDS: Final = ("event", "event_id", "user_id", "anonymous_id", "item_id")
_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,500}").fullmatch


def id_fault(name: str, public: str) -> str | None:
    """What is wrong with the id `public`, which the field `name` holds; None for nothing.

    >>> id_fault("user_id", "ann")
    >>> id_fault("user_id", "")
    'user_id is empty'
    """
    if _ID(public) and (public.isascii() or len(public.encode()) <= MAX_ID_BYTES):
        return None
    if not public:
        return f"{name} is empty"
    if len(public) > MAX_ID_BYTES or _ID(public):
        return f"{name} is longer than {MAX_ID_BYTES} bytes"
    return f"{name} holds a control character or half a character"


def fault(event: Event) -> str | None:
    """Why `event` may not enter a log; None for nothing.

    Ids are text of 1 to 500 bytes without control characters, a value is a finite number,
    a time is not negative, and an event about an item or a user names it.
    """
    ids = (event.event, event.event_id, event.user_id, event.anonymous_id, event.item_id)
    text = "".join([public for public in ids if public is not None])
    # Printable ASCII has none of the faults, unless something is empty or too long.
    if "" in ids or len(text) > MAX_ID_BYTES or not (text.isascii() and text.isprintable()):
        for name, public in zip(_ID_FIELDS, ids, strict=True):
            if public is not None and (wrong := id_fault(name, public)):
                return wrong
    if event.value is not None and not math.isfinite(event.value):
        return "value is not a finite number"
    if not 0 <= event.timestamp <= _MAX_TIME_US:
        return "timestamp is before 1970 or beyond reach"
    return _reserved_fault(event) if event.event in RESERVED else None


def _reserved_fault(event: Event) -> str | None:
    if event.item_id is None and event.event in ABOUT_ITEMS:
        return f"{event.event} needs an item_id"
    if event.user_id is None and event.event == USER_UPSERTED:
        return f"{event.event} needs a user_id"
    if event.event == USER_IDENTIFIED and None in (event.user_id, event.anonymous_id):
        return f"{event.event} needs a user_id and an anonymous_id"
    if event.event == USER_FORGOTTEN and event.user_id is None and event.anonymous_id is None:
        return f"{event.event} needs a user_id or an anonymous_id"
    return None
