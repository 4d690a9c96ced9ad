"""Surfaces with sources, answered by nets and the index of one space."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.serve.realtime.market import DEALERS, SPORTS, VANS, attributes_of, upserted, view

from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, SERVED, USER_UPSERTED, Event
from palate.events.served import Slate, slate_of
from palate.testing.service import Answered, InProcessService

PATH = "/v1/recommendations"


def ask(service: InProcessService, path: str = PATH, **question: Any) -> Answered:
    return service.request("POST", path, question)


def items(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.body
    return [item["item_id"] for item in answered.json["items"]]


def follow(service: InProcessService) -> None:
    """What the worker's loops do several times a second."""
    assert service.context.spaces is not None
    service.context.catalogue.follow()
    service.context.spaces.follow()


def logged(service: InProcessService) -> list[Slate]:
    asyncio.run(service.context.outbox.flush())
    return [slate_of(r.event) for r in service.ingest.log.read(limit=10**6, events=[SERVED])]


@pytest.mark.parametrize(("user", "own"), [("van", VANS), ("sport", SPORTS)])
def test_each_gets_what_their_looks_say(
    reading: InProcessService, user: str, own: list[str]
) -> None:
    answered = ask(reading, user_id=user, surface="home")
    assert set(items(answered)) <= set(own[3:]), "of their kind, and not what they saw"
    assert answered.json["degraded"] is False
    assert answered.json["release"] == "nets:1"
    assert len(answered.json["space"]) == 16
    scores = [item["score"] for item in answered.json["items"]]
    assert all(score > 0 for score in scores)


def test_a_look_changes_the_next_answer(service: InProcessService) -> None:
    before = ask(service, user_id="new", surface="home")
    assert before.json["degraded"] is False, "somebody unknown has the average profile"
    service.ingest.append([view("new", SPORTS[7])])
    assert set(items(ask(service, user_id="new", surface="home"))) <= set(SPORTS)
    service.ingest.append([Event(event="view", anonymous_id="tab", item_id=VANS[7])])
    assert set(items(ask(service, anonymous_id="tab", surface="home"))) <= set(VANS)


def test_the_slate_is_spread_over_dealers(reading: InProcessService) -> None:
    slate = items(ask(reading, user_id="van", surface="home", k=8))
    dealers = [attributes_of(item)["dealer"] for item in slate]
    assert max(map(dealers.count, dealers)) <= 3
    assert len(set(dealers)) <= DEALERS


def test_pages_repeat_nothing_and_end(reading: InProcessService) -> None:
    seen: list[str] = []
    page: str | None = None
    for _ in range(30):
        answered = ask(reading, user_id="van", surface="home", k=7, page=page)
        seen += items(answered)
        page = answered.json.get("page")
        if page is None:
            break
    assert page is None
    assert len(seen) == len(set(seen)) == 37, "all cars but the three that they saw"


@pytest.mark.parametrize("page", ["x", "AAAA", "é", "A" * 8000])
def test_a_page_that_is_none_of_ours_is_refused(reading: InProcessService, page: str) -> None:
    assert ask(reading, surface="home", page=page).status == 422


def test_a_surface_without_sources_has_no_pages(reading: InProcessService) -> None:
    first = ask(reading, surface="home")
    answered = ask(reading, surface="plain", page=first.json["page"])
    assert answered.status == 422
    assert "page" not in ask(reading, surface="plain", user_id="van").json


def test_filters_hold(reading: InProcessService) -> None:
    wanted = {"body": "sports", "price": {"max": 51_000}}
    answered = ask(reading, user_id="van", surface="home", filters=wanted, k=50)
    assert set(items(answered)) == set(SPORTS[:11])
    assert ask(reading, surface="home", filters={"wheels": 4}).status == 422


def test_what_is_sold_is_gone_at_once_and_from_the_index_soon(service: InProcessService) -> None:
    best = items(ask(service, user_id="van", surface="home"))[0]
    service.ingest.append([Event(event=ITEM_DELETED, item_id=best)])
    assert best not in items(ask(service, user_id="van", surface="home", k=50))
    follow(service)
    (loaded,) = service.context.shelf.view.loaded.values()
    assert loaded.space is not None
    assert loaded.space.index is not None
    assert len(loaded.space.index) == 39


def test_a_hidden_car_is_gone_until_it_is_shown_again(service: InProcessService) -> None:
    best = items(ask(service, user_id="van", surface="home"))[0]
    hidden = {**attributes_of(best), "hidden": True}
    service.ingest.append([Event(event=ITEM_UPSERTED, item_id=best, attributes=hidden)])
    follow(service)
    assert best not in items(ask(service, user_id="van", surface="home", k=50))
    service.ingest.append([upserted(best)])
    follow(service)
    assert best in items(ask(service, user_id="van", surface="home", k=50))


def test_a_new_car_is_found_by_those_who_like_its_kind(service: InProcessService) -> None:
    service.ingest.append([upserted("v77")])
    follow(service)
    slate = items(ask(service, user_id="van", surface="neighbours", k=18))
    assert "v77" in slate
    assert "v77" not in items(ask(service, user_id="sport", surface="neighbours", k=17))


def test_items_without_sense_stop_nothing(service: InProcessService) -> None:
    odd = [
        Event(event=ITEM_UPSERTED, item_id="empty", attributes={}),
        Event(event=ITEM_UPSERTED, item_id="wrong", attributes={"body": 7, "price": "dear"}),
        Event(event=ITEM_UPSERTED, item_id="huge", attributes={"body": "x" * 10_000}),
        Event(event=ITEM_UPSERTED, item_id="unknown", attributes={"wings": [1, 2]}),
    ]
    service.ingest.append(odd)
    follow(service)
    assert len(items(ask(service, user_id="van", surface="home", k=50))) == 37 + 4


def test_ten_thousand_excluded_and_a_blocked_dealer(service: InProcessService) -> None:
    gone = [*VANS[5:], *(f"x{n}" for n in range(9_985))]
    slate = items(ask(service, user_id="van", surface="home", k=50, exclude_items=gone))
    assert set(slate) == {"v03", "v04", *SPORTS}
    attributes = {"blocked": {"dealer": ["d0", "d1", "d2"], "item_id": ["v03"]}}
    service.ingest.append([Event(event=USER_UPSERTED, user_id="van", attributes=attributes)])
    slate = items(ask(service, user_id="van", surface="home", k=50))
    assert {attributes_of(item)["dealer"] for item in slate} == {"d3"}
    assert "v03" not in slate


@pytest.mark.parametrize("k", [0, -1, 51, 10**6, "3", 1.5])
def test_an_impossible_k_is_refused(reading: InProcessService, k: Any) -> None:
    for path, more in ((PATH, {}), ("/v1/search", {"filters": {"body": "van"}})):
        assert ask(reading, path, surface="home", k=k, **more).status == 422


def test_everything_sold_and_one_car_left(service: InProcessService) -> None:
    everything = [*VANS, *SPORTS]
    service.ingest.append(
        [Event(event=ITEM_DELETED, item_id=item) for item in everything if item != "s09"]
    )
    assert items(ask(service, user_id="van", surface="home")) == ["s09"]
    follow(service)
    assert items(ask(service, user_id="van", surface="home")) == ["s09"], "an index of one"
    service.ingest.append([Event(event=ITEM_DELETED, item_id="s09")])
    for _ in range(2):
        answered = ask(service, user_id="van", surface="home")
        assert items(answered) == []
        assert "page" not in answered.json
        follow(service)


def test_the_slate_is_logged_with_what_it_was_scored_with(service: InProcessService) -> None:
    answered = ask(service, user_id="van", surface="home")
    again = ask(service, user_id="van", surface="home")
    other = ask(service, user_id="sport", surface="home")
    one, two, three = logged(service)
    assert one.request_id == answered.json["request_id"]
    assert one.items == items(answered)
    assert one.scores == [item["score"] for item in answered.json["items"]]
    assert (one.surface, one.space) == ("home", answered.json["space"])
    assert (one.history_length, one.release) == (3, "nets:1")
    assert one.propensities == [1.0] * 5
    assert one.features_schema == three.features_schema
    assert one.features_hash != three.features_hash
    assert items(again) == two.items
    assert items(other) == three.items


def test_what_is_drawn_is_logged_with_its_propensity(service: InProcessService) -> None:
    for _ in range(20):
        ask(service, user_id="van", surface="explored")
    slates = logged(service)
    drawn = {p for slate in slates for p in slate.propensities if p < 1}
    assert drawn, "half of the slates try a new car"
    assert all(0 < p < 1 for p in drawn)


def test_explained_stage_by_stage(reading: InProcessService) -> None:
    answered = ask(reading, user_id="van", surface="home", explain=True)
    told = answered.json["explanation"]
    stages = [step["stage"] for step in told["steps"]]
    assert stages.index("sources.neighbours") < stages.index("score") < stages.index("verify")
    assert told["dropped"] == {"seen": 3}
    assert sorted(told["examples"]["seen"]) == VANS[:3]
    first = told["items"][0]
    assert first["item_id"] == items(answered)[0]
    assert first["found"][0]["source"] == "sources.neighbours"
    assert set(first["outcomes"]) == {"view"}
    assert {moved["attribute"] for moved in first["moved"]} <= set(attributes_of("v00"))
    assert "explanation" not in ask(reading, user_id="van", surface="home").json


def test_without_a_release_the_answer_is_degraded(market_of: Any) -> None:
    with market_of(promoted=None) as service:
        answered = ask(service, user_id="van", surface="home")
        assert len(items(answered)) == 5
        assert answered.json["degraded"] is True
        assert answered.json["release"] is None
        assert {"stage": "score", "why": "there are no nets"} in answered.json["fell_back"]


def test_a_release_without_nets_answers_as_well_as_it_can(market_of: Any) -> None:
    with market_of(promoted="nets:3") as service:
        answered = ask(service, user_id="van", surface="home")
        assert len(items(answered)) == 5
        assert answered.json["degraded"] is True
        assert "space" not in answered.json


def test_without_profiles_no_nets_answer(market_of: Any) -> None:
    with market_of(profile=None) as service:
        answered = ask(service, user_id="van", surface="home")
        assert len(items(answered)) == 5
        assert answered.json["degraded"] is True
        assert answered.json["release"] is None
        first = answered.json["fell_back"][0]
        assert first["stage"] == "release"
        assert first["why"].startswith("nets:1 waits: the profiles of definition ")


def test_an_empty_catalogue_answers_nothing(market_of: Any) -> None:
    with market_of(promoted=None, empty=True) as service:
        assert items(ask(service, surface="home", user_id="anybody")) == []
        assert items(ask(service, "/v1/rank", candidates=["v01"])) == ["v01"], "never withdrawn"
        assert items(ask(service, "/v1/search", filters={"body": "van"})) == []
