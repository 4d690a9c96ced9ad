"""The topic `item_embeddings`: what is published whenever an item's vector changes.

It is an `EventLog` of its own, so that other teams follow it with a consumer group of theirs. A
record is an event of type `item.embedded`, whose key is the item:

    item_id     which item
    timestamp   when the item changed, microseconds since 1970 UTC
    context     space        which nets' vectors these are; empty for an item that went away
                vector       base64 of little-endian float32; absent for an item that went away
                item_offset  of the item's change in the event log
                changed_at   when that change was received, microseconds; 0 where nobody waits
                             for it: the catalogue was embedded anew

For one item, `item_offset` never falls along the topic, so whoever applies records in order ends
with the newest. An item that was deleted or hidden goes away in every space at once.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_EMBEDDED, Event
from palate.types import Float32Array

__all__ = ["TOPIC", "Embedding", "concerns", "embedding_of", "event_of", "open_embeddings"]

TOPIC: Final = Path("embeddings") / "log.sqlite"  # its place below home
_WINDOW_S: Final = 30 * 86400  # an embedder that was away for less repeats no effect
_PACKED: Final = np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What became of one item.

    Attributes:
        item_id: Which.
        space: Whose vector this is; empty for an item that went away.
        vector: (dimension,) float32, finite; None for an item that went away.
        item_offset: Of the item's change in the event log.
        timestamp: When the item changed, microseconds since 1970 UTC.
        changed_at: When the change was received, in the same; 0 for not measured.
    """

    item_id: str
    space: str
    vector: Float32Array | None
    item_offset: int
    timestamp: int
    changed_at: int = 0

    @property
    def deleted(self) -> bool:
        """Whether the item went away."""
        return self.vector is None


def event_of(embedding: Embedding, generation: int = 0) -> Event:
    """What is appended for `embedding`; the same twice is a duplicate to the topic.

    Args:
        embedding: What became of an item.
        generation: Which time the space is embedded: a later time repeats nothing.
    """
    context: dict[str, Any] = {
        "space": embedding.space,
        "item_offset": embedding.item_offset,
        "changed_at": embedding.changed_at,
    }
    if embedding.vector is not None:
        packed = np.ascontiguousarray(embedding.vector, _PACKED).tobytes()
        context["vector"] = binascii.b2a_base64(packed, newline=False).decode("ascii")
    return Event(
        event=ITEM_EMBEDDED,
        event_id=_event_id(embedding, generation),
        item_id=embedding.item_id,
        timestamp=embedding.timestamp,
        context=context,
    )


def _event_id(embedding: Embedding, generation: int) -> str:
    """Text of a UUID that begins with the item's offset.

    So the log's index of ids grows at its end: a hash alone would dirty a page of its own for
    each record.
    """
    named = f"{embedding.space} {generation} {embedding.timestamp} {embedding.item_id}"
    digest = blake2b(named.encode(), digest_size=8).hexdigest()
    offset = f"{embedding.item_offset:016x}"
    return f"{offset[:8]}-{offset[8:12]}-{offset[12:]}-{digest[:4]}-{digest[4:]}"


def concerns(record: Record, space: str) -> bool:
    """Whether a record may say something of `space`; what it says is not read yet."""
    context = record.event.context or {}
    return context.get("space", space) in (space, "")


def embedding_of(record: Record) -> Embedding:
    """What `event_of` made a record of.

    Raises:
        DataError: It is no record of an embedding; says what is wrong with it.
    """
    event = record.event
    context = event.context or {}
    try:
        if event.event != ITEM_EMBEDDED or not event.item_id:
            raise ValueError(f"it is {event.event!r} of item {event.item_id!r}")
        vector = None
        if "vector" in context:
            packed = binascii.a2b_base64(context["vector"], strict_mode=True)
            vector = np.frombuffer(packed, _PACKED).astype(np.float32)
            if not (len(vector) and np.isfinite(vector).all()):
                raise ValueError("its vector is empty or not finite")
        return Embedding(
            item_id=event.item_id,
            space=str(context["space"]),
            vector=vector,
            item_offset=int(context["item_offset"]),
            timestamp=event.timestamp,
            changed_at=int(context.get("changed_at", 0)),
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise DataError(
            f"record {record.offset} of item_embeddings is none: {error}",
            hint="only the embedder writes to this topic",
        ) from error


def open_embeddings(
    home: Path, *, read_only: bool, durability: Literal["process", "power"] = "process"
) -> SqliteEventLog:
    """The topic of `home`, at `embeddings/log.sqlite`; one process writes it, the embedder.

    Args:
        home: The folder of Palate's files.
        read_only: Read beside the embedder.
        durability: As of the event log.

    Raises:
        LogError: Another process writes it; it is missing (read-only) or damaged.
    """
    return SqliteEventLog(
        home / TOPIC, durability=durability, dedup_window_s=_WINDOW_S, read_only=read_only
    )
