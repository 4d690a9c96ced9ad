"""Bad and huge input through the routes: each gets its verdict, and everything goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.serve.realtime.market import SPORTS, VANS, attributes_of, view

from palate.events.identity import now_us
from palate.events.schema import Event
from palate.features.profile.refresh import refresh_prior
from palate.testing.service import Answered, InProcessService

ODD: dict[str, dict[str, Any]] = {
    "missing": {},
    "null": {"body": None, "price": None},
    "unknown": {"wings": [1, 2], "stars": {"of": 5}},
    "huge-text": {"body": "x" * 100_000, "make": "é" * 50_000},
    "huge-number": {"price": 1e300},
    "tiny-number": {"price": -1e300},
    "huge-list": {"wings": list(range(20_000))},
    "many": {f"a{n}": n for n in range(5_000)},
    "deep": {"wings": {"a": {"b": {"c": [[[1]]]}}}},
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "number-as-text": ({"price": "dear"}, "attributes.price is not a number"),
    "category-as-list": ({"body": ["van"]}, "attributes.body"),
    "category-as-object": ({"body": {"a": 1}}, "attributes.body"),
    "too-large": ({"make": "x" * 300_000}, "larger than 262144 bytes"),
    "too-deep": ({"wings": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}, "deep"),
}


def ask(service: InProcessService, path: str = "/v1/recommendations", **question: Any) -> Answered:
    return service.request("POST", path, question)


def items(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.body
    return [item["item_id"] for item in answered.json["items"]]


def put(service: InProcessService, item: str, attributes: Any) -> Answered:
    return service.request("PUT", f"/v1/items/{item}", {"attributes": attributes})


def follow(service: InProcessService) -> None:
    assert service.context.spaces is not None
    service.context.catalogue.follow()
    service.context.spaces.follow()


def average(service: InProcessService) -> None:
    """Ten people more, as many for vans as for sports cars, and the average of all."""
    for n in range(10):
        service.ingest.append([view(f"p{n}", (VANS if n % 2 else SPORTS)[m]) for m in range(3)])
    refresh_prior(service.ingest.state.profiles, now_us())


def indexed(service: InProcessService, item: str) -> bool:
    (loaded,) = service.context.shelf.view.loaded.values()
    assert loaded.space is not None
    assert loaded.space.index is not None
    return bool(np.isfinite(loaded.space.index.vectors([item])).all())


# ---------------------------------------------------------------------- attributes of items


@pytest.mark.parametrize("name", ODD)
def test_odd_attributes_are_taken_and_stop_nothing(service: InProcessService, name: str) -> None:
    """Route, catalogue, item net, profile and slate: all go on with it, and with the next."""
    told = put(service, name, ODD[name])
    assert told.status == 200, told.body
    assert put(service, "v77", attributes_of("v07")).status == 200
    follow(service)
    average(service)
    assert indexed(service, "v77"), "what comes after it is embedded"
    assert indexed(service, name), "it has a vector as well as can be"
    assert name in items(ask(service, user_id="van", surface="home", k=50))
    service.ingest.append([view("odd", name), view("odd", VANS[9]), view("odd", VANS[10])])
    profile = service.request("GET", "/v1/users/odd/profile")
    assert profile.status == 200, profile.body
    assert profile.json["categories"]["body"]["values"][0]["value"] == "van"
    answered = ask(service, user_id="odd", surface="home")
    assert answered.json["degraded"] is False
    assert len(items(answered)) == 5


@pytest.mark.parametrize("name", WRONG)
def test_impossible_attributes_are_refused_and_nothing_changes(
    service: InProcessService, name: str
) -> None:
    attributes, why = WRONG[name]
    told = put(service, VANS[9], attributes)
    assert told.status in (413, 422), told.body
    assert told.headers["content-type"] == "application/problem+json"
    assert any(word in told.json["detail"] for word in why.split("|")), told.json
    kept = service.request("GET", f"/v1/items/{VANS[9]}").json["attributes"]
    assert kept == attributes_of(VANS[9])


# ---------------------------------------------------------------------- k


@pytest.mark.parametrize("k", [0, -1, 51, 10**6, 10**30])
@pytest.mark.parametrize("route", ["recommendations", "rank", "search", "popular", "similar"])
def test_an_impossible_k_is_a_clear_problem(reading: InProcessService, route: str, k: int) -> None:
    told = {
        "recommendations": lambda: ask(reading, user_id="van", surface="home", k=k),
        "rank": lambda: ask(reading, "/v1/rank", user_id="van", candidates=["v01", "s01"], k=k),
        "search": lambda: ask(reading, "/v1/search", filters={"body": "van"}, k=k),
        "popular": lambda: reading.request("GET", f"/v1/popular?k={k}"),
        "similar": lambda: reading.request("GET", f"/v1/items/v01/similar?k={k}"),
    }[route]()
    assert told.status == 422, told.body
    assert told.headers["content-type"] == "application/problem+json"
    assert set(told.json) >= {"type", "title", "status", "detail", "request_id"}
    assert "k" in told.json["detail"]
    assert "1" in told.json["detail"] or "50" in told.json["detail"], told.json


# ---------------------------------------------------------------------- ten thousand of a thing


def test_ten_thousand_blocked_items_leave_a_full_slate(service: InProcessService) -> None:
    blocked = [*VANS, *SPORTS[:15], *(f"gone{n}" for n in range(9_965))]
    assert len(blocked) == 10_000
    told = service.request(
        "PUT", "/v1/users/van", {"attributes": {"blocked": {"item_id": blocked}}}
    )
    assert told.status == 200, told.body
    answered = ask(service, user_id="van", surface="home")
    assert sorted(items(answered)) == SPORTS[15:]
    assert answered.json["degraded"] is False
    ranked = items(ask(service, "/v1/rank", user_id="van", candidates=["v09", "s16", "s03"]))
    assert ranked == ["s16"]


def test_ten_thousand_excluded_items_and_one_too_many(service: InProcessService) -> None:
    excluded = [*VANS, *SPORTS[:15], *(f"gone{n}" for n in range(9_965))]
    answered = ask(service, user_id="van", surface="home", exclude_items=excluded)
    assert sorted(items(answered)) == SPORTS[15:]
    assert answered.json["degraded"] is False
    told = ask(service, user_id="van", surface="home", exclude_items=[*excluded, "one more"])
    assert told.status == 422
    assert "exclude_items" in told.json["detail"]


def test_ten_thousand_events_of_one_person(service: InProcessService) -> None:
    """What is kept is bounded, the profile is that of all of them, and answers follow it."""
    state, settings = service.context.state, service.settings
    average(service)
    for start in range(0, 10_000, 1_000):
        service.ingest.append(
            [
                view("fan", (SPORTS if n % 10 == 0 else VANS)[n % 20])
                for n in range(start, start + 1_000)
            ]
        )
        if start == 1_000:
            kept = _bytes(service, "fan")
    known = state.user("fan")
    assert known is not None
    assert len(known.item_ids) == settings.serve.history_limit
    assert _bytes(service, "fan") <= 1.1 * kept
    profile = service.request("GET", "/v1/users/fan/profile").json
    first = profile["categories"]["body"]["values"][0]
    assert first["value"] == "van"
    assert first["probability"] == pytest.approx(0.9, abs=0.005)
    assert profile["categories"]["body"]["events"] == pytest.approx(10_000, rel=1e-3)
    answered = ask(service, user_id="fan", surface="home", k=5)
    assert answered.json["degraded"] is False
    fresh = ask(service, user_id="fan", surface="neighbours", k=40)
    seen = set(known.item_ids)
    assert seen.isdisjoint(items(fresh))


def _bytes(service: InProcessService, user: str) -> int:
    """All that the state keeps of one person."""
    needle = user.encode()
    return sum(
        len(key) + len(value)
        for key, value in service.ingest.state.store.scan(b"")
        if needle in key
    )


def test_one_event_of_a_kind_that_nobody_declared(service: InProcessService) -> None:
    service.ingest.append([Event(event="honk", user_id="odd", item_id=VANS[9])])
    assert ask(service, user_id="odd", surface="home").json["degraded"] is False
