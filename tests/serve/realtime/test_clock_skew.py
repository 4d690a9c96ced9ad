"""Clocks that are hours off: of clients that post events, and of whoever upserts items."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.serve.realtime.market import SPORTS, VANS, attributes_of

from palate.events.identity import now_us
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.profile.refresh import refresh_prior
from palate.testing.service import Answered, InProcessService

Market = Callable[..., AbstractContextManager[InProcessService]]
HOUR_US = 3_600_000_000


def ask(service: InProcessService, **question: Any) -> Answered:
    return service.request("POST", "/v1/recommendations", question)


def items(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.body
    return [item["item_id"] for item in answered.json["items"]]


def looked(user: str, item: str, hours: float) -> Event:
    at_us = now_us() + round(hours * HOUR_US)
    return Event(event="view", user_id=user, item_id=item, timestamp=at_us)


def likes_vans(service: InProcessService, user: str) -> float:
    """The probability that the next car is a van."""
    profile = service.request("GET", f"/v1/users/{user}/profile")
    assert profile.status == 200, profile.body
    values = profile.json["categories"]["body"]["values"]
    return next(float(one["probability"]) for one in values if one["value"] == "van")


def average(service: InProcessService) -> None:
    for n in range(10):
        service.ingest.append([looked(f"p{n}", (VANS if n % 2 else SPORTS)[m], 0) for m in (0, 1)])
    refresh_prior(service.ingest.state.profiles, now_us())


@pytest.mark.parametrize(
    ("hours", "verdict"),
    [(-24 * 365, "accepted"), (-5, "accepted"), (23, "accepted"), (25, "invalid")],
)
def test_what_is_more_than_a_day_ahead_is_refused(
    service: InProcessService, hours: float, verdict: str
) -> None:
    event = {
        "event": "view",
        "user_id": "ann",
        "item_id": VANS[0],
        "timestamp": now_us() + round(hours * HOUR_US),
    }
    (told,) = service.request("POST", "/v1/events", {"events": [event]}).json["results"]
    assert told["verdict"] == verdict


@pytest.mark.parametrize("hours", [-20, -5, 5, 20])
def test_a_look_that_is_hours_off_counts_as_one_that_is_not(
    service: InProcessService, hours: float
) -> None:
    """To some percent, at a half-life of thirty days."""
    average(service)
    service.ingest.append([looked("right", VANS[9], 0), looked("off", VANS[9], hours)])
    plain = likes_vans(service, "right")
    assert plain > 0.55
    assert likes_vans(service, "off") == pytest.approx(plain, rel=0.03)
    answered = ask(service, user_id="off", surface="home")
    assert answered.json["degraded"] is False
    assert set(items(answered)) <= set(VANS)


@pytest.mark.parametrize("hours", [-20, 20])
def test_looks_with_another_clock_go_on_counting(service: InProcessService, hours: float) -> None:
    """After one that is off, those that are right do not get lost, and the other way round."""
    average(service)
    service.ingest.append([looked("off", VANS[9], hours)])
    service.ingest.append([looked("off", SPORTS[n], 0) for n in range(3, 9)])
    service.ingest.append([looked("off", SPORTS[9], -hours)])
    assert likes_vans(service, "off") < 0.35
    answered = ask(service, user_id="off", surface="neighbours", k=40)
    assert answered.json["degraded"] is False
    assert {VANS[9], *SPORTS[3:10]}.isdisjoint(items(answered)), "all were seen"


SURFACES = {
    "newest": {
        "k": 3,
        "score": "sources",
        "sources": [{"kind": "new", "depth": 3}],
        "budget_ms": 10_000.0,
    },
    "fresh": {
        "k": 43,
        "score": "sources",
        "sources": [{"kind": "new", "depth": 50}],
        "rerank": [{"kind": "freshness", "weight": 10, "half_life_days": 0.1}],
        "budget_ms": 10_000.0,
    },
}


def test_the_newest_are_those_that_came_last_and_no_future_lasts(market_of: Market) -> None:
    """Lists go by arrival; the bonus of freshness is never more than that of what is new now."""
    with market_of(surfaces=SURFACES) as service:
        for item, hours in (("ahead", 20.0), ("right", 0.0), ("behind", -20.0)):
            at_us = now_us() + round(hours * HOUR_US)
            attributes = attributes_of("v05")
            service.ingest.append(
                [Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes, timestamp=at_us)]
            )
        service.context.catalogue.follow()
        assert items(ask(service, surface="newest")) == ["behind", "right", "ahead"]
        answered = ask(service, surface="fresh")
        assert answered.json["degraded"] is False
        slate = items(answered)
        assert len(slate) == 43
        assert slate[-1] == "behind", "it is twenty hours old, as far as is known"
        assert slate.index("right") < slate.index("ahead"), "one of the future gets no more"
