"""The freshness of answers: what is no proof of it is told apart from what is."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
CARS = {f"c{n}": 10.0 - n for n in range(10)}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    found = importlib.import_module("serving.realtime_freshness")
    monkeypatch.setattr(found, "LOOK_S", 0.0)
    yield found
    for name in list(sys.modules):
        if name.partition(".")[0] in ("serving", "harness", "record", "peers"):
            del sys.modules[name]


class Service:
    """Answers with cars; subclasses do one thing wrong, or late.

    Attributes:
        viewed: What the visitor has viewed.
        put: Cars that were put, and not deleted.
        deleted: Those that were.
        asked: How many answers there were.
    """

    def __init__(self) -> None:
        self.viewed: list[str] = []
        self.put: set[str] = set()
        self.deleted: set[str] = set()
        self.asked = 0

    def scores(self) -> dict[str, float]:
        """Of the answer to the visitor now: each car is worth less after a view."""
        left = {car: score for car, score in CARS.items() if car not in self.viewed}
        return {car: score / (1 + len(self.viewed)) for car, score in left.items()}

    def is_degraded(self) -> bool:
        return False

    def near(self) -> set[str]:
        return self.put

    def in_index(self) -> set[str]:
        """Deleted cars that the last filter still has to drop."""
        return set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/recommendations":
            self.asked += 1
            return httpx.Response(200, json=self._answer(json.loads(request.content)))
        car = request.url.path.rpartition("/")[2]
        if request.url.path == "/v1/events":
            self.viewed += [one["item_id"] for one in json.loads(request.content)]
        elif request.method == "PUT":
            self.put.add(car)
        elif request.method == "DELETE":
            self.put.discard(car)
            self.deleted.add(car)
        return httpx.Response(200, json={"item_id": car, "attributes": {}})

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        found = self.scores()
        if question["surface"] == "near":
            found |= dict.fromkeys(sorted(self.near()), 11.0)
        items = [{"item_id": car, "score": score} for car, score in found.items()]
        answer = {"items": items, "degraded": self.is_degraded()}
        if question["explain"]:
            answer["explanation"] = {"examples": {"deleted": sorted(self.in_index())}}
        return answer


Measure = Callable[[Service], Any]


@pytest.fixture
def measure(module: Any) -> Iterator[Measure]:
    clients: list[httpx.Client] = []

    def of(service: Service) -> Any:
        for _ in range(3):
            transport = httpx.MockTransport(service)
            clients.append(httpx.Client(base_url="http://service", transport=transport))
        return module.Freshness(clients)

    yield of
    for client in clients:
        client.close()


def test_a_view_that_changes_the_others_is_measured(measure: Measure) -> None:
    fresh = measure(Service())
    assert fresh.view("somebody") == "c0"
    assert (len(fresh.events_ms), fresh.alike, fresh.unlike) == (1, 1, 0)


def test_an_answer_that_only_lost_the_viewed_car_is_stale(module: Any, measure: Measure) -> None:
    class Forgetful(Service):
        def scores(self) -> dict[str, float]:
            return {car: score for car, score in CARS.items() if car not in self.viewed}

    with pytest.raises(module.BadAnswerError, match="is the one before"):
        measure(Forgetful()).view("somebody")


def test_an_answer_that_shows_the_viewed_car_is_stale(module: Any, measure: Measure) -> None:
    class Stubborn(Service):
        def scores(self) -> dict[str, float]:
            return {car: score / (1 + len(self.viewed)) for car, score in CARS.items()}

    with pytest.raises(module.BadAnswerError, match="shows what was viewed"):
        measure(Stubborn()).view("somebody")


def test_answers_that_change_without_an_event_are_counted(measure: Measure) -> None:
    class Restless(Service):
        def scores(self) -> dict[str, float]:
            return {car: score * self.asked for car, score in super().scores().items()}

    fresh = measure(Restless())
    fresh.view("somebody")
    assert (fresh.alike, fresh.unlike) == (1, 1)


def test_a_degraded_answer_proves_nothing_and_is_asked_for_again(measure: Measure) -> None:
    class Hurried(Service):
        def is_degraded(self) -> bool:
            return self.asked == 3  # the first after the view

        def scores(self) -> dict[str, float]:
            left = {car: score for car, score in CARS.items() if car not in self.viewed}
            return left if self.is_degraded() else super().scores()

    service = Hurried()
    fresh = measure(service)
    fresh.view("somebody")
    assert (service.asked, fresh.degraded, len(fresh.events_ms)) == (4, 1, 1)


def test_where_all_answers_are_degraded_none_is_measured(module: Any, measure: Measure) -> None:
    class Broken(Service):
        def is_degraded(self) -> bool:
            return True

    fresh = measure(Broken())
    with pytest.raises(module.BadAnswerError, match="are degraded"):
        fresh.view("somebody")
    assert fresh.events_ms == []


def test_a_car_is_put_found_deleted_and_gone(measure: Measure) -> None:
    service = Service()
    fresh = measure(service)
    fresh.delete("somebody", fresh.put("somebody", "c0"))
    assert [len(one) for one in (fresh.items_ms, fresh.gone_ms, fresh.dropped_ms)] == [1, 1, 1]
    assert (len(service.put), len(service.deleted)) == (0, 1)


def test_a_car_is_gone_only_once_no_index_gives_it(measure: Measure) -> None:
    class Slow(Service):
        def in_index(self) -> set[str]:
            return self.deleted if self.asked < 20 else set()

    service = Slow()
    fresh = measure(service)
    fresh.delete("somebody", fresh.put("somebody", "c0"))
    assert service.asked >= 20
    assert fresh.gone_ms[0] <= fresh.dropped_ms[0]


def test_a_car_that_comes_back_is_an_error(module: Any, measure: Measure) -> None:
    class Haunted(Service):
        def near(self) -> set[str]:
            return self.put | (self.deleted if self.asked == 8 else set())

    fresh = measure(Haunted())
    name = fresh.put("somebody", "c0")
    with pytest.raises(module.BadAnswerError, match="came back"):
        fresh.delete("somebody", name)  # answers 4 to 6 are without it, and so is 7


def test_a_degraded_answer_without_the_car_does_not_say_that_it_is_gone(measure: Measure) -> None:
    class Hurried(Service):
        def is_degraded(self) -> bool:
            return bool(self.deleted) and self.asked < 12

    service = Hurried()
    fresh = measure(service)
    fresh.delete("somebody", fresh.put("somebody", "c0"))
    assert service.asked >= 12


def test_a_car_that_is_never_found_is_an_error(
    module: Any, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(Service):
        def near(self) -> set[str]:
            return set()

    monkeypatch.setattr(module, "FOUND_S", 0.0)
    fresh = measure(Blind())
    with pytest.raises(module.BadAnswerError, match="to find new-"):
        fresh.put("somebody", "c0")
    assert len(fresh.items_ms) == 1


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (CARS, False),
        ({**CARS, "c3": 1.0}, False),  # the price of one car
        ({car: score * (1 + 1e-5) for car, score in CARS.items()}, False),  # the hour
        ({car: CARS[car] for car in list(CARS)[1:]}, False),  # one of them is gone
        ({car: score + 0.1 for car, score in CARS.items()}, True),
        ({f"d{n}": 1.0 for n in range(10)}, True),
        ({**{f"d{n}": 1.0 for n in range(6)}, "c0": 10.0, "c1": 9.0}, True),
    ],
)
def test_what_counts_as_changed(module: Any, after: dict[str, float], changed: bool) -> None:
    assert module.has_changed(CARS, after) is changed
