from __future__ import annotations

import msgspec
import pytest

from palate.errors import EventError
from palate.events.schema import SERVED, Event
from palate.events.served import Slate, served_event, slate_of

FULL = Slate(
    request_id="r",
    user_id="u",
    anonymous_id="a",
    surface="home",
    timestamp=9,
    items=["i", "j"],
    scores=[0.5, 0.25],
    propensities=[0.9, 0.1],
    release="sar:3",
    degraded=True,
    history_length=7,
    history_offset=12,
)
BARE = Slate(request_id="r", timestamp=9, items=[], scores=[], propensities=[])


@pytest.mark.parametrize(
    "slate", [FULL, BARE, msgspec.structs.replace(FULL, propensities=[1.0] * 2)]
)
def test_there_and_back_again(slate: Slate) -> None:
    event = served_event(slate, "e")
    assert (event.event, event.event_id, event.timestamp) == (SERVED, "e", 9)
    assert (event.user_id, event.request_id, event.surface) == (slate.user_id, "r", slate.surface)
    assert event.item_id is None  # nobody's taste
    assert slate_of(event) == slate


def test_certainty_takes_no_room() -> None:
    sure = msgspec.structs.replace(FULL, propensities=[1.0, 1.0])
    context = served_event(sure, "e").context
    assert context is not None
    assert "propensities" not in context


def test_a_draw_among_one_is_told_from_what_nobody_drew() -> None:
    sure = msgspec.structs.replace(FULL, propensities=[1.0, 1.0], drawn=[1])
    event = served_event(sure, "e")
    assert slate_of(event) == sure
    assert slate_of(event).tried == ["j"]
    assert msgspec.structs.replace(sure, drawn=[]).tried == []
    assert msgspec.structs.replace(sure, drawn=None).tried == []


def test_draws_that_propensities_tell_of_take_no_room() -> None:
    told = msgspec.structs.replace(FULL, propensities=[1.0, 0.1], drawn=[1])
    event = served_event(told, "e")
    assert "drawn" not in (event.context or {})
    assert slate_of(event).tried == told.tried == ["j"]


@pytest.mark.parametrize(
    "event",
    [
        Event(event=SERVED, event_id="e", request_id="r"),
        Event(event=SERVED, event_id="e", request_id="r", context={"items": ["i"]}),
        Event(event=SERVED, event_id="e", request_id="r", context={"items": ["i"], "scores": []}),
        Event(event=SERVED, event_id="e", context={"items": ["i"], "scores": [1.0]}),
        Event(
            event=SERVED,
            event_id="e",
            request_id="r",
            context={"items": ["i"], "scores": [1.0], "drawn": [1]},
        ),
        Event(
            event=SERVED,
            event_id="e",
            request_id="r",
            context={"items": ["i"], "scores": [1.0], "drawn": [-1]},
        ),
    ],
)
def test_what_is_no_slate_is_refused(event: Event) -> None:
    with pytest.raises(EventError, match="'e' is no slate"):
        slate_of(event)
