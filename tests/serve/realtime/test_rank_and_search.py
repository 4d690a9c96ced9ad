"""`POST /v1/rank`, `POST /v1/search`, `GET /v1/surfaces`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.serve.realtime.market import SPORTS, VANS, attributes_of, settings_of

from palate.events.schema import ITEM_DELETED, Event
from palate.store.key import Scope
from palate.testing.service import Answered, InProcessService

RANK, SEARCH = "/v1/rank", "/v1/search"


def ask(service: InProcessService, path: str, **question: Any) -> Answered:
    return service.request("POST", path, question)


def items(answered: Answered) -> list[str]:
    assert answered.status == 200, answered.body
    return [item["item_id"] for item in answered.json["items"]]


def test_given_items_are_put_in_order(reading: InProcessService) -> None:
    given = ["s01", "v01", "s02", "v02", "s01"]
    assert items(ask(reading, RANK, user_id="van", candidates=given))[:2] in (
        ["v01", "v02"],
        ["v02", "v01"],
    )
    whole = items(ask(reading, RANK, user_id="sport", candidates=given))
    assert sorted(whole) == ["s01", "s02", "v01", "v02"], "all of them once, seen ones too"
    assert set(whole[:2]) == {"s01", "s02"}
    assert len(items(ask(reading, RANK, user_id="van", candidates=given, k=1))) == 1


def test_given_items_that_may_not_be_shown_are_left_out(service: InProcessService) -> None:
    service.ingest.append([Event(event=ITEM_DELETED, item_id="v01")])
    given = ["v01", "v02", "s01"]
    assert items(ask(service, RANK, user_id="van", candidates=given)) == ["v02", "s01"]
    vans = ask(service, RANK, user_id="van", candidates=given, filters={"body": "van"})
    assert items(vans) == ["v02"]


def test_an_item_without_a_vector_comes_last(reading: InProcessService) -> None:
    ranked = items(ask(reading, RANK, user_id="van", candidates=["nobody-knows", "v05", "s05"]))
    assert ranked == ["v05", "s05", "nobody-knows"]


def test_a_model_without_nets_ranks_what_it_knows(market_of: Any) -> None:
    with market_of(promoted="nets:3") as service:
        answered = ask(service, RANK, user_id="van", candidates=["v09", "s09", "nobody-knows"])
        assert sorted(items(answered)) == ["s09", "v09"]
        assert answered.json["degraded"] is False
        found = ask(service, SEARCH, filters={"body": "van"}, k=50)
        assert sorted(items(found)) == VANS


@pytest.mark.parametrize("candidates", [None, [], [""], ["x" * 501], ["v01"] * 10_001, "v01"])
def test_impossible_candidates_are_refused(reading: InProcessService, candidates: Any) -> None:
    assert ask(reading, RANK, candidates=candidates).status == 422


def test_a_search_finds_all_that_pass_the_best_first(reading: InProcessService) -> None:
    wanted = {"price": {"min": 10_500, "max": 50_900}}
    found = items(ask(reading, SEARCH, user_id="sport", filters=wanted, k=50))
    passing = [i for i in (*VANS, *SPORTS) if 10_500 <= attributes_of(i)["price"] <= 50_900]
    assert sorted(found) == sorted(passing)
    assert set(found[:10]) <= set(SPORTS), "what they saw is among them"
    other = items(ask(reading, SEARCH, user_id="van", filters=wanted, k=10))
    assert set(other) <= set(VANS)


def test_a_search_has_pages(reading: InProcessService) -> None:
    question = {"user_id": "van", "filters": {"body": "van"}, "k": 15}
    first = ask(reading, SEARCH, **question)
    second = ask(reading, SEARCH, **question, page=first.json["page"])
    assert sorted(items(first) + items(second)) == VANS
    assert "page" not in second.json


@pytest.mark.parametrize("filters", [None, {}, {"wheels": 4}, {"price": {"above": 3}}])
def test_an_impossible_search_is_refused(reading: InProcessService, filters: Any) -> None:
    assert ask(reading, SEARCH, filters=filters).status == 422


@pytest.mark.parametrize("path", [RANK, SEARCH])
def test_unknown_names_are_told(reading: InProcessService, path: str) -> None:
    more = {"candidates": ["v01"]} if path == RANK else {"filters": {"body": "van"}}
    assert ask(reading, path, surface="nowhere", **more).status == 422
    assert ask(reading, path, release="nowhere", **more).status == 404
    assert ask(reading, path, release="nets:2", **more).status == 409


def test_the_surfaces_and_what_answers_on_them(reading: InProcessService) -> None:
    answered = reading.request("GET", "/v1/surfaces")
    told = {one["surface"]: one for one in answered.json["surfaces"]}
    assert list(told) == sorted(settings_of(reading.settings.home).surfaces)
    home = told["home"]
    assert (home["alias"], home["release"], home["indexed"]) == ("stable", "nets:1", 40)
    assert home["sources"] == ["neighbours", "new"]
    assert home["rerank"] == ["spread"]
    assert told["plain"]["sources"] == []


def test_scopes(service: InProcessService, make_key: Any) -> None:
    home = service.settings.home
    reads, ingests = make_key(home, Scope.READ), make_key(home, Scope.INGEST)
    service.context.access.ring.refresh()
    for method, path, body in (
        ("POST", RANK, {"candidates": ["v01"]}),
        ("POST", SEARCH, {"filters": {"body": "van"}}),
        ("GET", "/v1/surfaces", None),
    ):
        for secret, status in ((reads, 200), (ingests, 403), ("wrong", 401)):
            headers = {"authorization": f"Bearer {secret}"}
            assert service.request(method, path, body, headers=headers).status == status
