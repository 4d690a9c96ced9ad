"""From an answer to a row of training data: slates in the log, joined with what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from palate.config import LogSettings
from palate.data.outcomes import join_outcomes
from palate.events.schema import SERVED
from palate.events.served import Slate, slate_of
from palate.testing.service import InProcessService

ASK = {"user_id": "ann", "k": 3}


def ask(service: InProcessService, **more: Any) -> dict[str, Any]:
    answered: dict[str, Any] = service.request("POST", "/v1/recommendations", {**ASK, **more}).json
    return answered


def logged(service: InProcessService) -> list[Slate]:
    asyncio.run(service.context.outbox.flush())
    return [slate_of(r.event) for r in service.ingest.log.read(limit=10**6, events=[SERVED])]


def test_a_slate_is_logged_as_it_was_answered(service: InProcessService) -> None:
    service.request("POST", "/v1/events", [{"event": "click", "user_id": "ann", "item_id": "c1"}])
    answered = ask(service, anonymous_id="phone")
    (slate,) = logged(service)
    assert slate.request_id == answered["request_id"]
    assert slate.release == answered["release"]
    assert slate.items == [item["item_id"] for item in answered["items"]]
    assert slate.scores == [item["score"] for item in answered["items"]]
    assert slate.propensities == [1.0] * 3
    assert (slate.user_id, slate.anonymous_id) == ("ann", "phone")
    ann = service.context.state.user("ann")
    assert ann is not None
    assert (slate.history_length, slate.history_offset) == (len(ann.item_ids), ann.updated_offset)


def test_popular_items_come_from_no_history(service: InProcessService) -> None:
    ask(service, user_id="nobody")
    (slate,) = logged(service)
    assert (slate.user_id, slate.history_length, slate.history_offset) == ("nobody", 0, 0)


def test_slates_are_nobodys_taste(service: InProcessService) -> None:
    before = ask(service)["items"]
    logged(service)
    assert ask(service)["items"] == before
    assert service.ingest.state.offset() == service.ingest.log.head()


def test_outcomes_find_their_slate(service: InProcessService) -> None:
    answered = ask(service)
    clicked = {"event": "click", "user_id": "ann", "item_id": answered["items"][1]["item_id"]}
    service.request("POST", "/v1/events", [{**clicked, "request_id": answered["request_id"]}])
    ask(service)
    logged(service)
    frame = join_outcomes(service.ingest.log.read(limit=10**6))
    assert frame["click"].to_list() == [0, 1, 0, 0, 0, 0]
    assert frame["request_id"][0] == answered["request_id"]


@pytest.fixture
def silent(service: InProcessService) -> Iterator[InProcessService]:
    settings = service.settings.model_copy(update={"log": LogSettings(served=False)})
    service.__exit__()
    with InProcessService(settings) as opened:
        yield opened


def test_switched_off(silent: InProcessService) -> None:
    assert len(ask(silent)["items"]) == 3
    assert logged(silent) == []
