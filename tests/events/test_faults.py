"""What a broken or hostile sender posts: refused with a reason, one by one, nothing raised."""

from __future__ import annotations

import json

import pytest

from palate.config import EventType, Schema
from palate.errors import EventError
from palate.events.schema import Event
from palate.events.validate import split_batch, validate

SCHEMA = Schema(events={"click": EventType()})
NOW_US = 1_750_000_000_000_000
GOOD = {"event": "click", "user_id": "u", "item_id": "i"}
LONG = "x" * 10_000_000


def posted(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


FAULTS = {
    "10 MB string as an id": (posted(user_id=LONG), "larger than"),
    "10 MB string as a context": (posted(context={"note": LONG}), "larger than"),
    "10 MB of digits": (posted()[:-1] + b', "value": ' + b"1" * 10_000_000 + b"}", "larger than"),
    "an id of 501 bytes": (posted(item_id="x" * 501), "longer than 500"),
    "1,000 deep": (posted()[:-1] + b', "context": ' + deep(1000) + b"}", "deep"),
    "17 deep": (posted()[:-1] + b', "context": ' + deep(17) + b"}", "deep"),
    "invalid UTF-8": (b'{"event": "click", "user_id": "\xff\xfe", "item_id": "i"}', "UTF-8"),
    "half a character": (b'{"event": "click", "user_id": "\\ud800", "item_id": "i"}', ""),
    "a NUL": (posted(user_id="a\x00b"), "control character"),
    "tomorrow and a day": (posted(timestamp=NOW_US + 49 * 3600 * 10**6), "in the future"),
    "the year 9999": (posted(timestamp="9999-12-31T23:59:59Z"), "in the future"),
    "1970": (posted(timestamp="1970-01-01T00:00:00Z"), "before 1970"),
    "1969": (posted(timestamp="1969-12-31T23:59:59Z"), "before 1970"),
    "seconds for microseconds": (posted(timestamp=NOW_US // 10**6), "seconds or milliseconds"),
    "nothing": (b"", ""),
    "a bomb of brackets": (b"[" * 100_000, ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_refused_with_a_reason(name: str) -> None:
    raw, says = FAULTS[name]
    verdict = validate(raw, SCHEMA, NOW_US)
    assert isinstance(verdict, str)
    assert says in verdict


@pytest.mark.parametrize(
    "moment", ["1970-01-02T00:00:00Z", "1998-04-01T00:00:00", NOW_US + 3600 * 10**6]
)
def test_old_and_slightly_future_events_are_taken_as_they_are(moment: str | int) -> None:
    event = validate(posted(timestamp=moment), SCHEMA, NOW_US)
    assert isinstance(event, Event)
    assert 0 < event.timestamp <= NOW_US + 3600 * 10**6


def test_the_good_ones_of_a_bad_batch_are_taken() -> None:
    deepest = posted()[:-1] + b', "context": ' + deep(500) + b"}"
    raws = split_batch(b"[%s]" % b",".join([posted(), deepest, posted(user_id=LONG), posted()]))
    verdicts = [isinstance(validate(raw, SCHEMA, NOW_US), Event) for raw in raws]
    assert verdicts == [True, False, False, True]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"events":' * 5_000])
def test_a_body_that_cannot_be_read_is_one_error(body: bytes) -> None:
    with pytest.raises(EventError):
        split_batch(body)
