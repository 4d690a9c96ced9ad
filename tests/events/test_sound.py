from __future__ import annotations

from typing import Any

import pytest

from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, USER_UPSERTED, Event
from palate.events.sound import MAX_ID_BYTES, fault, id_fault


def event(**fields: Any) -> Event:
    return Event(**{"event": "click", "event_id": "e", "user_id": "u", "timestamp": 1, **fields})


@pytest.mark.parametrize(
    "public", ["a", "ünï cödé", "x" * MAX_ID_BYTES, "é" * 250, "👩‍👩‍👧", "a/b:c|d"]
)
def test_an_id(public: str) -> None:
    assert id_fault("user_id", public) is None


@pytest.mark.parametrize(
    ("public", "reason"),
    [
        ("", "user_id is empty"),
        ("x" * (MAX_ID_BYTES + 1), "user_id is longer than 500 bytes"),
        ("é" * 251, "user_id is longer than 500 bytes"),
        ("a\nb", "user_id holds a control character or half a character"),
        ("a\x00", "user_id holds a control character or half a character"),
        ("a\x7f", "user_id holds a control character or half a character"),
        ("\x85", "user_id holds a control character or half a character"),
        ("\ud800", "user_id holds a control character or half a character"),
    ],
)
def test_no_id(public: str, reason: str) -> None:
    assert id_fault("user_id", public) == reason


def test_sound_events() -> None:
    assert fault(event()) is None
    assert fault(event(value=0.0)) is None
    assert fault(event(user_id=None, anonymous_id="a")) is None
    assert fault(event(event=ITEM_UPSERTED, user_id=None, item_id="i")) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event": ""}, "event is empty"),
        ({"event_id": ""}, "event_id is empty"),
        ({"anonymous_id": "\n"}, "anonymous_id holds a control"),
        ({"item_id": ""}, "item_id is empty"),
        ({"value": float("nan")}, "value is not a finite number"),
        ({"value": float("-inf")}, "value is not a finite number"),
        ({"timestamp": -1}, "timestamp is before 1970"),
        ({"timestamp": 1 << 63}, "beyond reach"),
        ({"event": ITEM_UPSERTED}, "item.upserted needs an item_id"),
        ({"event": ITEM_DELETED}, "item.deleted needs an item_id"),
        ({"event": USER_UPSERTED, "user_id": None}, "user.upserted needs a user_id"),
    ],
)
def test_faults(fields: dict[str, Any], reason: str) -> None:
    assert reason in (fault(event(**fields)) or "")
