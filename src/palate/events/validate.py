"""Posted JSON becomes events: each of a batch is accepted or refused on its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from palate.config import Schema
from palate.errors import EventError
from palate.events.attributes import attributes_fault, json_fault
from palate.events.identity import uuid7
from palate.events.schema import ITEM_UPSERTED, RESERVED, USER_UPSERTED, Event
from palate.events.sound import fault, id_fault

__all__ = ["MAX_EVENT_BYTES", "MAX_FUTURE_US", "Posted", "split_batch", "validate"]

MAX_EVENT_BYTES: Final = 256 << 10
MAX_FUTURE_US: Final = 24 * 3600 * 1_000_000  # beyond clock skew and time zones gone wrong
_MIN_INTEGER_TIME: Final = 10**14  # March 1973; today's milliseconds and seconds lie below
_MAX_POSITION: Final = (1 << 31) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Posted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as senders write it; `received_at` is not theirs to say.

    Attributes:
        event: Its type.
        event_id: The same when it is sent again; made where it is missing.
        user_id: Who.
        anonymous_id: Who, before they sign in.
        item_id: About what.
        timestamp: When: ISO 8601 with a zone (UTC where it has none), or an integer of
            microseconds since 1970 UTC. Now where it is missing.
        value: A finite number.
        request_id: Of the answer that it is about.
        position: In that answer, from 0.
        surface: Of that answer.
        attributes: For `item.upserted` and `user.upserted`.
        context: Anything, at most 16 deep.
    """

    event: str
    event_id: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    item_id: str | None = None
    timestamp: datetime | int | None = None
    value: float | None = None
    request_id: str | None = None
    position: int | None = None
    surface: str | None = None
    attributes: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_decode_batch: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_posted: Final = msgspec.json.Decoder(Posted).decode


def split_batch(body: bytes) -> list[msgspec.Raw]:
    """The events of a body, `{"events": [...]}` or `[...]`, each still to be validated.

    Raises:
        EventError: The body as a whole is not that: no JSON, or nested beyond reading.
    """
    try:
        if body.lstrip()[:1] == b"[":
            return _decode_batch(body)
        return _decode_envelope(body).events
    except RecursionError as error:
        raise EventError("the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventError(
            f"the body is not a batch of events: {error}",
            hint='send {"events": [...]} or a list of events',
        ) from error


def validate(
    raw: msgspec.Raw | bytes | Mapping[str, Any],
    schema: Schema,
    now_us: int,
    *,
    allow_reserved: bool = False,
) -> Event | str:
    """One posted event, complete with id and time, or the reason why it is refused.

    An ordinary event needs `user_id` or `anonymous_id`, and `item_id` too where the settings
    declare its type: a taste is for something. A type that the settings do not name may do
    without (a search, a visit).

    Args:
        raw: JSON, or what JSON would decode to.
        schema: Declared event types and attributes.
        now_us: The time that a missing timestamp gets, microseconds since 1970 UTC.
        allow_reserved: Let reserved types through: for the routes that own them.
    """
    posted = _posted(raw)
    if isinstance(posted, str):
        return posted
    if posted.event in RESERVED and not allow_reserved:
        return f"the type {posted.event!r} is reserved: use the route that owns it"
    timestamp = _time_us(posted.timestamp, now_us)
    if isinstance(timestamp, str):
        return timestamp
    event = Event(
        event=posted.event,
        event_id=uuid7(now_us) if posted.event_id is None else posted.event_id,
        user_id=posted.user_id,
        anonymous_id=posted.anonymous_id,
        item_id=posted.item_id,
        timestamp=timestamp,
        value=posted.value,
        request_id=posted.request_id,
        position=posted.position,
        surface=posted.surface,
        attributes=posted.attributes,
        context=posted.context,
    )
    wrong = fault(event) or _place_fault(event)
    if wrong is None:
        if event.event in RESERVED:
            wrong = _reserved_fault(event, schema)
        else:
            wrong = _ordinary_fault(event, schema)
    return event if wrong is None else wrong


def _posted(raw: msgspec.Raw | bytes | Mapping[str, Any]) -> Posted | str:
    try:
        if isinstance(raw, Mapping):
            return msgspec.convert(raw, Posted)
        if memoryview(raw).nbytes > MAX_EVENT_BYTES:
            return f"the event is larger than {MAX_EVENT_BYTES} bytes"
        return _decode_posted(raw)
    except RecursionError:
        return "the event is nested too deeply"
    except UnicodeDecodeError:
        return "the event is not UTF-8"
    except msgspec.MsgspecError as error:
        return str(error)


def _time_us(given: datetime | int | None, now_us: int) -> int | str:
    if given is None:
        return now_us
    if isinstance(given, int):
        if given < _MIN_INTEGER_TIME:
            return (
                "timestamp looks like seconds or milliseconds: send ISO 8601, or microseconds "
                "since 1970"
            )
        time_us = given
    else:
        since = (given if given.tzinfo else given.replace(tzinfo=UTC)) - _EPOCH
        time_us = (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
        if time_us <= 0:
            return "timestamp is before 1970"
    if time_us > now_us + MAX_FUTURE_US:
        return "timestamp is more than 24 hours in the future: check the sender's clock"
    return time_us


def _place_fault(event: Event) -> str | None:
    if event.position is not None and not 0 <= event.position <= _MAX_POSITION:
        return "position is negative or beyond 31 bits"
    wrong = None
    if event.request_id is not None:
        wrong = id_fault("request_id", event.request_id)
    if wrong is None and event.surface is not None:
        wrong = id_fault("surface", event.surface)
    if wrong is None and event.context is not None:
        wrong = json_fault("context", event.context)
    return wrong


def _reserved_fault(event: Event, schema: Schema) -> str | None:
    if event.attributes is None:
        return None
    if event.event == ITEM_UPSERTED:
        return attributes_fault(event.attributes, schema.items)
    if event.event == USER_UPSERTED:
        return attributes_fault(event.attributes, schema.users)
    return f"{event.event} has no attributes"


def _ordinary_fault(event: Event, schema: Schema) -> str | None:
    if event.user_id is None and event.anonymous_id is None:
        return "neither user_id nor anonymous_id says who it was"
    if event.item_id is None and event.event in schema.events:
        return f"{event.event} needs an item_id"
    if event.attributes is not None:
        return "attributes are for upserts: put it into context"
    return None
