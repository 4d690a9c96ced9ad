"""The state's server is killed under a service: answers go on, say so, and are never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.killable import KillableServer
from tests.serve.realtime.market import SPORTS, VANS, attributes_of, view

from palate.config import Settings
from palate.events.schema import ITEM_DELETED, Event
from palate.store.redis_server import StoreAwayError
from palate.testing.process import until
from palate.testing.service import Answered, InProcessService


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KillableServer]:
    with KillableServer(tmp_path / "server") as server:
        yield server


@pytest.fixture
def service(market: Settings, server: KillableServer) -> Iterator[InProcessService]:
    with InProcessService(server.keeps(market)) as running:
        yield running


def ask(service: InProcessService, surface: str = "home", **question: Any) -> dict[str, Any]:
    body = {"user_id": "van", "surface": surface, **question}
    answered = service.request("POST", "/v1/recommendations", body)
    assert answered.status == 200, answered.json
    document: dict[str, Any] = answered.json
    return document


def items(document: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in document["items"]]


def is_turned_away(answered: Answered) -> bool:
    return answered.status == 503 and answered.headers["retry-after"] == "1"


@pytest.mark.parametrize("surface", ["home", "neighbours", "plain"])
def test_a_stranger_is_answered_with_what_is_for_sale(
    service: InProcessService, server: KillableServer, surface: str
) -> None:
    known = ask(service, surface, k=5)
    assert not known["degraded"]
    sold = items(known)[0]
    assert service.request("DELETE", f"/v1/items/{sold}").status == 200
    server.kill()
    for _ in range(3):
        document = ask(service, surface, k=5)
        assert document["degraded"]
        assert len(document["items"]) == 5
        assert sold not in items(document)
    for some in ({"max": 20_000}, {"min": 50_000}):
        found = items(ask(service, surface, k=5, filters={"price": some}))
        assert found
        assert {item in VANS for item in found} == {some == {"max": 20_000}}


def test_nobody_is_told_apart_and_that_is_said(
    service: InProcessService, server: KillableServer
) -> None:
    server.kill()
    document = ask(service)
    assert {"stage": "person", "why": "failed: StoreAwayError"} in document["fell_back"]
    assert items(document) == items(ask(service, user_id="sport"))


def test_what_is_sold_meanwhile_is_shown_no_more(
    service: InProcessService, server: KillableServer
) -> None:
    """Its sale came into the log and not into the state: it was never acknowledged."""
    service.ingest.append([view("van", VANS[0])])
    server.kill()
    sold = items(ask(service))[0]
    with pytest.raises(StoreAwayError):
        service.ingest.append([Event(event=ITEM_DELETED, item_id=sold)])
    for surface in ("home", "plain"):
        assert sold not in items(ask(service, surface))


def test_what_needs_the_state_is_turned_away(
    service: InProcessService, server: KillableServer
) -> None:
    assert service.request("GET", "/readyz").status == 200
    server.kill()
    for method, path in (
        ("GET", f"/v1/items/{VANS[0]}"),
        ("DELETE", f"/v1/items/{VANS[0]}"),
        ("GET", "/v1/users/van/profile"),
        ("GET", "/readyz"),
    ):
        assert is_turned_away(service.request(method, path)), path
    assert "Redis" in service.request("GET", "/readyz").json["detail"]
    body = {"attributes": attributes_of(SPORTS[0])}
    assert is_turned_away(service.request("PUT", f"/v1/items/{SPORTS[0]}", body))


def test_it_recovers_by_itself_and_has_lost_nothing(
    service: InProcessService, server: KillableServer
) -> None:
    service.ingest.append([view("van", VANS[0])])
    server.kill()
    events = [{"event": "view", "user_id": "new", "item_id": i, "event_id": i} for i in SPORTS[:2]]
    posted = service.request("POST", "/v1/events", events)
    assert [one["verdict"] for one in posted.json["results"]] == ["retry", "retry"]
    assert posted.headers["retry-after"] == "1"
    assert ask(service)["degraded"]
    server.start()
    until(lambda: service.request("GET", "/readyz").status == 200)
    until(lambda: not ask(service)["degraded"])
    assert service.ingest.catch_up()  # the writer does so every moment
    assert service.context.state.user("new") is not None
    again = service.request("POST", "/v1/events", events).json["results"]
    assert [one["verdict"] for one in again] == ["duplicate", "duplicate"]
    new = service.context.state.user("new")
    assert new is not None
    assert new.item_ids == SPORTS[:2]
    assert not set(SPORTS[:2]) & set(items(ask(service, user_id="new")))


def test_a_server_that_hangs_is_not_waited_for_again_and_again(
    service: InProcessService, server: KillableServer
) -> None:
    server.freeze()
    documents = [ask(service) for _ in range(50)]
    server.thaw()
    assert all(document["degraded"] and len(document["items"]) == 5 for document in documents)
    until(lambda: not ask(service)["degraded"])


def test_a_server_that_came_back_older_brings_no_sold_car_back(
    market: Settings, tmp_path: Path
) -> None:
    with (
        KillableServer(tmp_path / "lossy", durable=False) as server,
        InProcessService(server.keeps(market)) as service,
    ):
        with server.client() as client:
            client.save()
        sold = items(ask(service, "plain"))[0]
        assert service.request("DELETE", f"/v1/items/{sold}").status == 200
        assert sold not in items(ask(service, "plain"))
        server.kill()
        server.start()
        for surface in ("plain", "home"):
            document = ask(service, surface)
            assert sold not in items(document)
            assert document["items"]
            assert document["degraded"]
        assert service.ingest.catch_up()
        document = ask(service, "plain")
        assert sold not in items(document)
        assert not document["degraded"]
