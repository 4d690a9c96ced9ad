"""Ids of events: UUIDv7 where the sender gave none, and the 16 bytes that duplicates share."""

from __future__ import annotations

import os
import re
import time
from hashlib import blake2b
from typing import Final

import msgspec

from palate.events.schema import Event

__all__ = ["complete", "id_key", "now_us", "uuid7"]

_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def now_us() -> int:
    """Microseconds since 1970 UTC by this machine's clock."""
    return time.time_ns() // 1000


def uuid7(at_us: int | None = None) -> str:
    """A new UUID of version 7 as text, 36 characters; sorts by its time.

    Source: RFC 9562, section 5.7, with method 3 of section 6.2: the 12 bits after the
    milliseconds hold the fraction of the millisecond. (`uuid.uuid7` is in Python 3.14 and
    later only.)

    Args:
        at_us: The time that it carries, microseconds since 1970 UTC; now by default.

    >>> uuid7(1_700_000_000_000_500)[:18]
    '018bcfe5-6800-7800'
    """
    milliseconds, rest_us = divmod(now_us() if at_us is None else at_us, 1000)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    number = (
        (milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | 7 << 76
        | (rest_us * 4096 // 1000) << 64
        | 2 << 62
        | random
    )
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def id_key(event_id: str) -> bytes:
    """16 bytes that stand for `event_id`: the UUID itself, or BLAKE2b of any other text.

    UUIDs of version 7 keep their order, so that the index over recent ids grows at its end.

    >>> id_key("018bcfe5-6800-7800-8000-000000000000").hex()
    '018bcfe5680078008000000000000000'
    >>> len(id_key("order-17"))
    16
    """
    if len(event_id) == 36 and _CANONICAL.fullmatch(event_id):
        return bytes.fromhex(event_id.replace("-", ""))
    return blake2b(event_id.encode(), digest_size=16).digest()


def complete(event: Event, at_us: int) -> Event:
    """`event` with an id and a time where it has none (a time of 0 means none)."""
    if event.event_id and event.timestamp:
        return event
    return msgspec.structs.replace(
        event,
        event_id=event.event_id or uuid7(at_us),
        timestamp=event.timestamp or at_us,
    )
