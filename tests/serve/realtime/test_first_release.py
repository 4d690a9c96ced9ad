"""A first release of nets answers once its index and its profiles are there, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.serve.realtime.market import SPORTS, VANS

from palate.config import Settings
from palate.events.schema import SERVED
from palate.events.served import slate_of
from palate.features.kept_profiles import KeptProfiles
from palate.release.bundle import LoadedRelease
from palate.release.registry import Releases, open_releases
from palate.retrieval.index.base import VectorIndex
from palate.serve import opening
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.own_index import OwnIndex
from palate.serve.worker import open_context, refresh
from palate.testing.service import Answered, InProcessService

PATH = "/v1/recommendations"
WHY = {"index": "its space has no index yet", "profiles": "the profiles of definition "}
SOURCES = [{"kind": "neighbours"}, {"kind": "attributes"}, {"kind": "popular"}]


class Absent:
    """What is not there yet, until the test brings it."""

    def __init__(self, what: str) -> None:
        self.what = what

    def come(self, service: InProcessService) -> None:
        """It is there, and the worker looks again."""
        self.what = ""
        refresh(service.context)


@pytest.fixture(params=["index", "profiles"])
def absent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Absent:
    return without(request.param, monkeypatch)


def without(what: str, monkeypatch: pytest.MonkeyPatch, space: str | None = None) -> Absent:
    """No index, or no profiles; an index of one space alone where it is named."""
    missing = Absent(what)
    reaches = KeptProfiles.reaches

    class Later(OwnIndex):
        @property
        def index(self) -> VectorIndex | None:
            hidden = missing.what == "index" and space in (None, self._encoder.space)
            return None if hidden else super().index

    def there(profiles: KeptProfiles, fingerprint: str) -> bool:
        return missing.what != "profiles" and reaches(profiles, fingerprint)

    monkeypatch.setattr(opening, "OwnIndex", Later)
    monkeypatch.setattr(KeptProfiles, "reaches", there)
    return missing


@pytest.fixture
def waiting(absent: Absent, market: Settings) -> Iterator[InProcessService]:
    surfaces = {**market.surfaces, "lists": {"k": 5, "sources": SOURCES, "budget_ms": 10_000.0}}
    with InProcessService(market.model_copy(update={"surfaces": surfaces})) as running:
        yield running


def ask(service: InProcessService, path: str = PATH, **question: Any) -> Answered:
    return service.request("POST", path, {"user_id": "van", **question})


def ids(document: Any) -> list[str]:
    return [one["item_id"] for one in document["items"]]


def said(document: Any, absent: Absent) -> bool:
    """Whether an answer says which release waits, and what for."""
    first = document["fell_back"][0]
    assert document["degraded"] is True
    assert document["release"] is None
    assert "space" not in document
    assert first["stage"] == "release"
    return bool(first["why"].startswith(f"nets:1 waits: {WHY[absent.what]}"))


def test_lists_answer_until_all_is_there_and_then_the_release(
    waiting: InProcessService, absent: Absent
) -> None:
    document = ask(waiting, surface="lists").json
    assert said(document, absent)
    assert len(ids(document)) == 5
    assert not set(ids(document)) & set(VANS[:3]), "what they saw is known"
    lacking = {one["stage"]: one["why"] for one in document["fell_back"]}
    assert lacking["sources.neighbours"] == "there are no nets"
    assert lacking["score"] == "there are no nets"
    refresh(waiting.context)
    assert said(ask(waiting, surface="lists").json, absent), "still"

    absent.come(waiting)
    document = ask(waiting, surface="lists").json
    assert (document["release"], document["degraded"]) == ("nets:1", False)
    assert len(document["space"]) == 16
    assert "fell_back" not in document


def test_what_is_popular_is_what_the_release_says(
    waiting: InProcessService, absent: Absent
) -> None:
    popular = waiting.request("GET", "/v1/popular?k=7").json
    assert (popular["release"], popular["degraded"]) == (None, True)
    plain = ask(waiting, surface="plain", k=7).json
    assert said(plain, absent)
    similar = waiting.request("GET", f"/v1/items/{VANS[0]}/similar").json
    assert (similar["release"], similar["items"]) == (None, [])
    absent.come(waiting)
    known = waiting.request("GET", "/v1/popular?k=7").json
    assert (known["release"], known["degraded"]) == ("nets:1", False)
    assert known["items"] == popular["items"]
    unseen = [item for item in ids(known) if item not in VANS[:3]]
    assert ids(plain)[: len(unseen)] == unseen
    assert ask(waiting, surface="plain").json["release"] == "nets:1"
    assert waiting.request("GET", f"/v1/items/{VANS[0]}/similar").json["items"]


def test_what_only_the_waiting_release_knows_can_be_withdrawn(
    market: Settings, absent: Absent
) -> None:
    empty = market.model_copy(update={"home": market.home.with_name("empty")})
    empty.home.mkdir()
    for name in ("objects", "registry.sqlite"):
        (market.home / name).rename(empty.home / name)
    with InProcessService(empty) as service:
        first = ids(service.request("GET", "/v1/popular").json)[0]
        assert service.request("DELETE", f"/v1/items/{first}").status == 200
        assert first not in ids(service.request("GET", "/v1/popular").json)


def test_given_items_stay_in_their_order_and_searches_find(
    waiting: InProcessService, absent: Absent
) -> None:
    given = [SPORTS[4], VANS[9], SPORTS[1], VANS[0]]
    ranked = ask(waiting, "/v1/rank", candidates=given).json
    assert said(ranked, absent)
    assert ids(ranked) == given
    found = ask(waiting, "/v1/search", filters={"body": "van"}).json
    assert said(found, absent)
    assert set(ids(found)) <= set(VANS)
    assert len(ids(found)) == 10
    absent.come(waiting)
    ranked = ask(waiting, "/v1/rank", candidates=given).json
    assert (ranked["release"], ranked["degraded"]) == ("nets:1", False)
    assert set(ids(ranked)[:2]) == {VANS[9], VANS[0]}
    assert ask(waiting, "/v1/search", filters={"body": "van"}).json["degraded"] is False


def test_an_explanation_says_what_lists_gave(waiting: InProcessService) -> None:
    told = ask(waiting, surface="lists", explain=True).json["explanation"]
    assert told["snapshot"] == ""
    found = {one["source"] for item in told["items"] for one in item["found"]}
    assert found <= {"sources.attributes", "sources.popular"}
    assert all(not item.get("outcomes") for item in told["items"])


def test_routes_tell_that_it_waits(waiting: InProcessService, absent: Absent) -> None:
    ready = waiting.request("GET", "/readyz")
    assert ready.status == 503
    assert ready.json["detail"].startswith(f"release nets:1 waits: {WHY[absent.what]}")
    for one in waiting.request("GET", "/v1/surfaces").json["surfaces"]:
        assert (one["release"], one["space"], one["indexed"]) == (None, None, None)
        assert one["waits"].startswith(f"nets:1 waits: {WHY[absent.what]}")
    loaded = {
        one["release"]: one["loaded"]
        for one in waiting.request("GET", "/v1/releases").json["releases"]
    }
    assert loaded == {"nets:1": False, "nets:2": False, "nets:3": False}
    assert 'release="nets:1"' not in waiting.request("GET", "/metrics").body.decode()

    absent.come(waiting)
    assert waiting.request("GET", "/readyz").json["release"] == "nets:1"
    for one in waiting.request("GET", "/v1/surfaces").json["surfaces"]:
        assert (one["release"], one["indexed"], one["waits"]) == ("nets:1", 40, None)
    assert 'release="nets:1"' in waiting.request("GET", "/metrics").body.decode()


def test_asked_for_by_name_it_is_not_there_and_its_alias_answers(
    waiting: InProcessService, absent: Absent
) -> None:
    refused = ask(waiting, surface="home", release="nets:1")
    assert refused.status == 409
    assert f"nets:1 waits: {WHY[absent.what]}" in refused.json["detail"]
    assert said(ask(waiting, surface="home", release="stable").json, absent)
    absent.come(waiting)
    assert ask(waiting, surface="home", release="nets:1").json["release"] == "nets:1"


def test_the_log_names_no_release_before_it_answers(
    waiting: InProcessService, absent: Absent
) -> None:
    ask(waiting, surface="home")
    ask(waiting, surface="plain")
    absent.come(waiting)
    ask(waiting, surface="home")
    asyncio.run(waiting.context.outbox.flush())
    records = waiting.ingest.log.read(limit=10**6, events=[SERVED])
    slates = [slate_of(record.event) for record in records]
    assert [(one.release, one.degraded) for one in slates] == [
        (None, True), (None, True), ("nets:1", False)
    ]  # fmt: skip


def test_a_worker_that_is_started_again_answers_at_once(
    waiting: InProcessService, absent: Absent
) -> None:
    absent.come(waiting)
    settings, writer = waiting.settings, waiting.writer
    with (
        closing(Counters(Layout(settings.home).counters("worker-1"))) as counters,
        open_context(settings, writer, counters, Lifecycle(started=True)) as restarted,
    ):
        assert restarted.shelf.view.aliases["stable"].ref == "nets:1"
        assert dict(restarted.shelf.view.waiting) == {}


def test_a_model_without_nets_waits_for_nothing(
    market_of: Callable[..., Any], absent: Absent
) -> None:
    with market_of(promoted="nets:3") as service:
        assert service.request("GET", "/readyz").json["release"] == "nets:3"
        document = ask(service, surface="plain").json
        assert (document["release"], document["degraded"]) == ("nets:3", False)
        assert "fell_back" not in document
        assert ask(service, surface="home").json["release"] == "nets:3"


def test_while_a_canary_waits_the_usual_release_answers_for_it(
    market: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = open_releases(market.home)
    second: Any = releases.load("nets:2").model
    releases.promote("nets:2", "canary", by="test", reason="tried")
    releases.close()
    absent = without("index", monkeypatch, second.nets.space)
    surfaces = {**market.surfaces, "tried": {**market.surfaces["home"], "alias": "canary"}}
    with InProcessService(market.model_copy(update={"surfaces": surfaces})) as service:
        assert ask(service, surface="home").json["degraded"] is False
        document = ask(service, surface="tried").json
        assert (document["release"], document["degraded"]) == ("nets:1", True)
        assert document["fell_back"] == [
            {"stage": "release", "why": "nets:2 waits: its space has no index yet"}
        ]
        assert service.request("GET", "/readyz").status == 200
        absent.come(service)
        document = ask(service, surface="tried").json
        assert (document["release"], document["degraded"]) == ("nets:2", False)


def test_what_was_before_and_waits_too_is_loaded_once(
    market: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = open_releases(market.home)
    releases.promote("nets:2", "stable", by="test", reason="neither has an index")
    releases.close()
    loads: list[str] = []
    load = Releases.load

    def noted(self: Releases, ref: str) -> LoadedRelease:
        loads.append(ref)
        return load(self, ref)

    monkeypatch.setattr(Releases, "load", noted)
    absent = without("index", monkeypatch)
    with InProcessService(market) as service:
        for _ in range(3):
            refresh(service.context)
        assert sorted(loads) == ["nets:1", "nets:2"]
        assert ask(service, surface="home").json["release"] is None
        absent.come(service)
        assert ask(service, surface="home").json["release"] == "nets:2"
        assert sorted(loads) == ["nets:1", "nets:2"]
