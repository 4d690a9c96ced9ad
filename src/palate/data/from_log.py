"""The log becomes a dataset, and a dataset becomes events for the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import polars as pl

from palate import columns as c
from palate.config import Attribute, Schema
from palate.data.catalogue import Catalogue
from palate.data.dataset import Dataset, epoch_us
from palate.data.frames import INTERACTIONS, guess_events
from palate.data.json_values import guess_attribute, to_column
from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.schema import (
    ITEM_UPSERTED,
    RESERVED,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)

__all__ = ["dataset_from_records", "dataset_to_events"]

VISITOR: Final = "\N{START OF HEADING}"  # marks user ids made of anonymous ids
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def dataset_from_records(
    records: Iterable[Record], schema: Schema, *, name: str = "log"
) -> Dataset:
    """Replay records, in the order of the log, into a dataset.

    Every event of an ordinary type that names a user (or visitor) and an item is an
    interaction; where it says no time, the time when it was received stands. What a visitor did
    is that of the user whom `user.identified` names (the first one for what came before it).
    Any other visitor's id is `VISITOR` and the anonymous id, so that nobody is taken for
    somebody else. The last
    `item.upserted` or `user.upserted` of an id gives its attributes. A deleted item leaves the
    items table, unless people did something with it: what they like is learned from what it was.
    What an item was when somebody dealt with it, where that is something else, is among
    `Dataset.item_versions`.

    Args:
        records: Oldest first.
        schema: What events are worth; attributes that it declares become columns. Where it
            declares none, all that are no JSON objects do, and their kinds are guessed.
        name: For reports.

    Raises:
        DataError: No interaction is among the records, or an attribute is not of its kind.
    """
    users: list[str] = []
    item_ids: list[str] = []
    events: list[str] = []
    values: list[float | None] = []
    times: list[int | None] = []
    catalogue = Catalogue()
    people: dict[str, Mapping[str, Any]] = {}
    now: dict[str, str] = {}  # visitor to user, as the last identification has it
    first: dict[str, str] = {}  # the same, as the first one had it
    for record in records:
        catalogue.take(record)
        event = record.event
        kind = event.event
        if kind == USER_IDENTIFIED and event.anonymous_id and event.user_id:
            now[event.anonymous_id] = event.user_id
            first.setdefault(f"{VISITOR}{event.anonymous_id}", event.user_id)
        if kind in RESERVED:
            if kind == USER_UPSERTED and event.user_id:
                people[event.user_id] = event.attributes or {}
            continue
        user = event.user_id or now.get(event.anonymous_id or "") or _visitor(event.anonymous_id)
        item = event.item_id
        if user and item:
            users.append(user)
            item_ids.append(item)
            events.append(kind)
            values.append(event.value)
            times.append(event.timestamp or event.received_at or None)
            catalogue.deal(item)
    if not users:
        raise DataError("the log holds no interactions", hint="palate import, or post events")
    if first:
        users = [first.get(user, user) for user in users]
    interactions = pl.DataFrame([users, item_ids, events, values, times], schema=INTERACTIONS)
    item_rows, item_kinds = _attribute_rows(catalogue.known_last(), c.ITEM_ID, schema.items)
    versions = catalogue.versions()
    if versions is not None:
        interactions = interactions.with_columns(catalogue.dealt().alias(c.ITEM_VERSION))
    user_rows, user_kinds = _attribute_rows(people, c.USER_ID, schema.users)
    declared = Schema(
        events=schema.events or guess_events(interactions),
        items=dict(item_kinds),
        users=dict(user_kinds),
    )
    return Dataset.from_canonical(
        interactions,
        items=item_rows,
        users=user_rows,
        schema=declared,
        name=name,
        item_versions=versions,
    )


def dataset_to_events(dataset: Dataset, *, prefix: str) -> Iterator[Event]:
    """Events that rebuild `dataset`: items, then users, then interactions by time.

    An event id is a UUID (version 8) of the event's time in milliseconds and a hash of its
    content, of how often the same content came before, and of `prefix`: the log takes a second
    import for duplicates, row by row, even when rows were added in between. Another prefix
    makes other events of the same rows. Ids grow with time, as the log likes them.

    Args:
        dataset: Of any size; events are made one by one.
        prefix: Names the import, such as `ml-100k`.
    """
    yield from _upserts(dataset.items, c.ITEM_ID, prefix)
    yield from _upserts(dataset.users, c.USER_ID, prefix)
    ordered = dataset.interactions.with_columns(
        pl.Series("us", epoch_us(dataset.interactions))
    ).sort("us", maintain_order=True)
    seen: dict[bytes, int] = {}
    rows = zip(
        *(ordered[n].to_list() for n in (c.USER_ID, c.ITEM_ID, c.EVENT, c.VALUE, "us")),
        strict=True,
    )
    for user, item, kind, value, time_us in rows:
        content = _encode((user, item, kind, value, time_us))
        before = seen.get(content, 0)
        seen[content] = before + 1
        visitor = user.startswith(VISITOR)
        yield Event(
            event=kind,
            event_id=_event_id(prefix, content, before, time_us),
            user_id=None if visitor else user,
            anonymous_id=user.removeprefix(VISITOR) if visitor else None,
            item_id=item,
            value=value,
            timestamp=max(time_us, 0),
        )


def _visitor(anonymous_id: str | None) -> str | None:
    """A user id for somebody who never signed in: never that of a user of the same text.

    The log takes no control characters in ids, so no user's id starts like this.
    """
    return f"{VISITOR}{anonymous_id}" if anonymous_id else None


def _event_id(prefix: str, content: bytes, before: int, time_us: int = 0) -> str:
    """A UUID of version 8 (RFC 9562, section 5.8): 48 bits of time, 74 bits of hash."""
    salted = content if not before else content + b"#%d" % before
    digest = hashlib.blake2b(prefix.encode() + b"\0" + salted, digest_size=10).digest()
    hashed = int.from_bytes(digest, "big") & ~(0xF << 76 | 0x3 << 62)
    number = (max(time_us, 0) // 1000 & 0xFFFF_FFFF_FFFF) << 80 | 8 << 76 | 2 << 62 | hashed
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _attribute_rows(
    rows: Mapping[str, Mapping[str, Any]], key: str, declared: Mapping[str, Attribute]
) -> tuple[pl.DataFrame, Mapping[str, Attribute]]:
    """A table of `rows`, and what its columns hold: as declared, or else as guessed."""
    ids = list(rows)
    if not declared:
        names = sorted({name for row in rows.values() for name in row})
        guesses = {n: guess_attribute([row.get(n) for row in rows.values()]) for n in names}
        declared = {n: guess for n, guess in guesses.items() if guess is not None}
    columns = [pl.Series(key, ids, pl.String)]
    for name, attribute in declared.items():
        values = [row.get(name) for row in rows.values()]
        columns.append(to_column(name, values, attribute, ids=ids))
    return pl.DataFrame(columns), declared


def _upserts(frame: pl.DataFrame, key: str, prefix: str) -> Iterator[Event]:
    kind = ITEM_UPSERTED if key == c.ITEM_ID else USER_UPSERTED
    for row in frame.iter_rows(named=True):
        public = row.pop(key)
        attributes = {n: _plain(v) for n, v in row.items() if v is not None}
        yield Event(
            event=kind,
            event_id=_event_id(prefix, _encode((kind, public, attributes)), 0),
            item_id=public if key == c.ITEM_ID else None,
            user_id=public if key == c.USER_ID else None,
            attributes=attributes,
        )


def _plain(value: Any) -> Any:
    """As JSON has it: times in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else value
