from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, EventType, Schema
from palate.errors import EventError
from palate.events.schema import RESERVED, Event
from palate.events.sound import fault
from palate.events.validate import MAX_EVENT_BYTES, split_batch, validate
from palate.types import AttributeKind

NOW = 1_750_000_000_000_000
DAY_US = 86_400_000_000
SCHEMA = Schema(
    events={"click": EventType()},
    items={"year": Attribute(kind=AttributeKind.NUMBER)},
    users={"age": Attribute(kind=AttributeKind.NUMBER)},
)
GOOD: dict[str, Any] = {"event": "click", "user_id": "u", "item_id": "i"}


def accepted(raw: dict[str, Any], **options: bool) -> Event:
    """As from JSON and as from Python: the same verdict."""
    event = validate(json.dumps(raw).encode(), SCHEMA, NOW, **options)
    assert isinstance(event, Event), event
    other = validate(raw, SCHEMA, NOW, **options)
    assert isinstance(other, Event)
    same = msgspec.structs.replace(other, event_id=event.event_id)
    assert same == event
    return event


def refused(raw: dict[str, Any], **options: bool) -> str:
    reason = validate(json.dumps(raw).encode(), SCHEMA, NOW, **options)
    assert isinstance(reason, str), reason
    return reason


def test_a_bare_event_is_completed() -> None:
    event = accepted(GOOD)
    assert event.timestamp == NOW
    assert uuid.UUID(event.event_id).version == 7
    assert event.received_at == 0


def test_every_field_is_taken_over() -> None:
    raw = {
        **GOOD,
        "event_id": "e",
        "anonymous_id": "a",
        "timestamp": NOW - 5,
        "value": 4,
        "request_id": "r",
        "position": 0,
        "surface": "home",
        "context": {"a": [1, {"b": None}]},
    }
    event = accepted(raw)
    assert event == Event(**raw)
    assert event.value == 4.0


@pytest.mark.parametrize(
    ("given_", "wanted_us"),
    [
        ("2024-01-01T00:00:00Z", 1_704_067_200_000_000),
        ("2024-01-01T00:00:00", 1_704_067_200_000_000),
        ("2024-01-01T02:00:00+02:00", 1_704_067_200_000_000),
        ("2024-01-01T00:00:00.000001Z", 1_704_067_200_000_001),
        (1_704_067_200_000_000, 1_704_067_200_000_000),
        (None, NOW),
        (NOW + DAY_US, NOW + DAY_US),
    ],
)
def test_times(given_: str | int | None, wanted_us: int) -> None:
    assert accepted({**GOOD, "timestamp": given_}).timestamp == wanted_us


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        (1_704_067_200, "seconds or milliseconds"),
        (1_704_067_200_000, "seconds or milliseconds"),
        (0, "seconds or milliseconds"),
        (-1, "seconds or milliseconds"),
        ("1969-12-31T23:59:59Z", "before 1970"),
        ("0001-01-01T00:00:00+10:00", "before 1970"),
        ("9999-12-31T23:59:59-10:00", "24 hours in the future"),
        (NOW + DAY_US + 1, "24 hours in the future"),
        (10**30, "24 hours in the future"),
        ("yesterday", "timestamp"),
        (1704067200.5, "timestamp"),
        (True, "timestamp"),
    ],
)
def test_impossible_times(given_: Any, reason: str) -> None:
    assert reason in refused({**GOOD, "timestamp": given_})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": None}, "$.event"),
        ({"event": ""}, "event is empty"),
        ({"event_id": ""}, "event_id is empty"),
        ({"user_id": ""}, "user_id is empty"),
        ({"user_id": 7}, "$.user_id"),
        ({"user_id": "u" * 501}, "longer than 500 bytes"),
        ({"user_id": "a\u0000b"}, "control character"),
        ({"user_id": None}, "neither user_id nor anonymous_id"),
        ({"item_id": None}, "click needs an item_id"),
        ({"value": "4"}, "$.value"),
        ({"position": -1}, "position"),
        ({"position": 2**31}, "position"),
        ({"request_id": ""}, "request_id is empty"),
        ({"surface": "\n"}, "surface holds a control"),
        ({"attributes": {}}, "attributes are for upserts"),
        ({"received_at": 5}, "received_at"),
        ({"user": "u"}, "unknown field `user`"),
        ({"context": {"n": 2**64}}, "64 bits"),
        ({"context": [1]}, "$.context"),
        ({"context": {"long": "x" * MAX_EVENT_BYTES}}, "larger than 262144 bytes"),
    ],
)
def test_refusals_say_why(change: dict[str, Any], reason: str) -> None:
    assert reason in refused({**GOOD, **change})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"5", "object"),
        (b"null", "object"),
        (b'{"event": "click"', "truncated"),
        (b'{"event": "\xff", "user_id": "u"}', "UTF-8"),
        (b'{"event": "click", "value": 1e400}', "range"),
        (b'{"event": "click", "context": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
        (b'{"event": "click", "context": {"a":' + b"[" * 400 + b"]" * 400 + b"}}", "neither"),
    ],
)
def test_raw_refusals(raw: bytes, reason: str) -> None:
    verdict = validate(raw, SCHEMA, NOW)
    assert isinstance(verdict, str)
    if b"[" * 400 not in raw:
        assert reason in verdict


def test_not_a_number_in_python() -> None:
    for value in (float("nan"), float("inf")):
        assert validate({**GOOD, "value": value}, SCHEMA, NOW) == "value is not a finite number"


def test_a_context_too_deep() -> None:
    deep: Any = 1
    for _ in range(17):
        deep = {"a": deep}
    assert "nested more than 16 deep" in refused({**GOOD, "context": deep})


def test_a_type_that_is_not_declared_may_do_without_an_item() -> None:
    assert accepted({"event": "search", "anonymous_id": "a"}).item_id is None


@pytest.mark.parametrize("event", sorted(RESERVED))
def test_reserved_types_are_refused_from_ordinary_posts(event: str) -> None:
    raw = {"event": event, "user_id": "u", "anonymous_id": "a", "item_id": "i"}
    assert "reserved" in refused(raw)
    assert accepted(raw, allow_reserved=True).event == event


def test_upserts_are_checked_against_the_declared_attributes() -> None:
    item = {"event": "item.upserted", "item_id": "i", "attributes": {"year": 1999, "x": "y"}}
    assert accepted(item, allow_reserved=True).attributes == {"year": 1999, "x": "y"}
    item["attributes"] = {"year": "1999"}
    assert "attributes.year is not a number" in refused(item, allow_reserved=True)
    user = {"event": "user.upserted", "user_id": "u", "attributes": {"age": [1]}}
    assert "attributes.age is not a number" in refused(user, allow_reserved=True)
    served = {"event": "served", "user_id": "u", "attributes": {}}
    assert "served has no attributes" in refused(served, allow_reserved=True)
    assert "needs an item_id" in refused({"event": "item.deleted"}, allow_reserved=True)
    assert "needs a user_id" in refused(
        {"event": "user.upserted", "anonymous_id": "a"}, allow_reserved=True
    )
    for half in ({"user_id": "u"}, {"anonymous_id": "a"}):
        assert "needs a user_id and an anonymous_id" in refused(
            {"event": "user.identified", **half}, allow_reserved=True
        )


@pytest.mark.parametrize("body", [b"[%s]", b" \n [%s] ", b'{"events": [%s]}'])
def test_one_bad_event_never_sinks_the_others(body: bytes) -> None:
    good = json.dumps(GOOD).encode()
    bad = [b"5", b'{"event": 5}', b'{"event": "\xff"}', b'{"event": "served", "user_id": "u"}']
    raws = split_batch(body % b",".join([good, *bad, good]))
    verdicts = [validate(raw, SCHEMA, NOW) for raw in raws]
    assert [isinstance(v, Event) for v in verdicts] == [True, *[False] * len(bad), True]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"5",
        b"[",
        b'{"events": 5}',
        b'{"event": "click"}',
        b'{"events": [], "more": 1}',
        b"[NaN]",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_a_body_that_is_no_batch(body: bytes) -> None:
    with pytest.raises(EventError) as caught:
        split_batch(body)
    assert caught.value.message


def test_an_empty_batch() -> None:
    assert split_batch(b"[]") == split_batch(b'{"events": []}') == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*Event.__struct_fields__, "other"])


@given(st.dictionaries(FIELDS, JSON) | st.fixed_dictionaries({}, optional={
    "event": st.text(), "user_id": st.text(), "item_id": st.text(), "value": st.floats(),
    "timestamp": st.integers(), "context": st.dictionaries(st.text(), JSON, max_size=2),
}))  # fmt: skip
def test_whatever_is_posted_gets_a_sound_event_or_a_reason(raw: dict[str, Any]) -> None:
    verdict = validate(raw, SCHEMA, NOW, allow_reserved=True)
    if isinstance(verdict, Event):
        assert fault(verdict) is None
        msgspec.msgpack.encode(verdict)
    else:
        assert verdict
