"""`palate demo cars`: its parts by construction, and the whole of it on a small market."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from palate.cli.demo.cars import loop, models, show, swap
from palate.cli.demo.cars.shop import Shop
from palate.cli.demo.cars.stream import Stream, as_posted, tell
from palate.cli.demo.cars.visitor import Visitor, choose_visitor, wants
from palate.cli.demo.client import Client
from palate.cli.main import app
from palate.config import Settings
from palate.errors import PalateError
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(1_000, 150, seed=3)


class Script(Client):
    """Answers from a function instead of a service."""

    def __init__(self, said: Callable[[str, str, Any], Any]) -> None:
        super().__init__("http://nowhere")
        self._said = said
        self.sent: list[tuple[str, str, Any]] = []

    def get(self, path: str) -> Any:
        return self._answer("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._answer("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        return self._answer("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._answer("DELETE", path, None)

    def _answer(self, method: str, path: str, body: Any) -> Any:
        self.sent.append((method, path, body))
        return self._said(method, path, body)


def accepted(method: str, path: str, body: Any) -> Any:
    return {"results": [{"verdict": "accepted"}]}


# ---------------------------------------------------------------------- the shop


def test_the_past_ends_now_and_is_in_order(shop: Shop) -> None:
    import time

    past = shop.past()
    times = [event.timestamp for event in past]
    assert times == sorted(times)
    now = time.time() * 1e6
    assert now - 3 * 86_400e6 < times[-1] <= now
    assert {event.event for event in past} >= {ITEM_UPSERTED, ITEM_DELETED, "view", "search"}
    ids = [event.event_id for event in past]
    assert len(ids) == len(set(ids))


def test_every_car_is_known_before_anything_happens_to_it(shop: Shop) -> None:
    known: set[str | None] = set()
    for event in [*shop.past(), *shop.future()]:
        if event.event == ITEM_UPSERTED:
            known.add(event.item_id)
        elif event.item_id is not None:
            assert event.item_id in known
        if event.event == ITEM_DELETED:
            known.remove(event.item_id)


def test_delight_is_1_for_the_best_and_0_for_the_average(shop: Shop) -> None:
    liked = shop.cars.utility([5], shop.live)[0]
    best = [shop.cars.item_ids[int(row)] for row in shop.live[np.argsort(-liked)[:10]]]
    assert shop.delight(5, best) == pytest.approx(1.0, abs=1e-5)
    everything = [shop.cars.item_ids[int(row)] for row in shop.live]
    middle = np.abs(liked - liked.mean()).argsort()[:10]
    assert abs(shop.delight(5, [everything[n] for n in middle])) < 0.05
    assert shop.delight(5, [everything[n] for n in np.argsort(liked)[:10]]) < 0
    second = [everything[n] for n in np.argsort(-liked)[10:20]]
    assert shop.delight(5, second) < 1
    assert shop.delight(5, second, known=best) == pytest.approx(1.0, abs=1e-5)


# ---------------------------------------------------------------------- the visitor


def test_a_visitor_looks_at_what_they_like_best_and_never_twice(shop: Shop) -> None:
    items = [shop.cars.item_ids[int(row)] for row in shop.live[:20]]

    def said(method: str, path: str, body: Any) -> Any:
        if path == "/v1/events":
            return accepted(method, path, body)
        return {"items": [{"item_id": i} for i in items], "release": "cars:1", "degraded": False}

    client = Script(said)
    visitor = Visitor(client, shop, 7, "somebody")
    clicked = [visitor.click(visitor.ask())[1] for _ in range(20)]
    order = np.argsort(-shop.utility(7, items), kind="stable")
    assert clicked == [items[n] for n in order]
    assert visitor.last == clicked[-1]
    posted = [body["events"][0] for _, path, body in client.sent if path == "/v1/events"]
    assert {event["anonymous_id"] for event in posted} == {"somebody"}
    asked = [body for _, path, body in client.sent if path == "/v1/recommendations"]
    assert asked[0] == {"anonymous_id": "somebody", "k": 20}


def test_the_chosen_visitor_wants_something_plain(shop: Shop) -> None:
    row = choose_visitor(shop, ["make", "body"])
    least = min(share for _, share in wants(shop, row, ["make", "body"]).values())
    for other in range(150):
        assert least >= min(share for _, share in wants(shop, other, ["make", "body"]).values())


def test_a_refused_event_is_an_error() -> None:
    client = Script(lambda *_: {"results": [{"verdict": "invalid", "reason": "no"}]})
    with pytest.raises(PalateError, match="did not accept"):
        tell(client, {"event": "view"})


# ---------------------------------------------------------------------- the stream


def test_the_stream_takes_each_event_to_its_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.cli.demo.cars.stream.PAUSE_S", 0.0)
    done = threading.Event()

    def said(method: str, path: str, body: Any) -> Any:
        if body == {"events": [{"event": "view", "user_id": "last", "item_id": "c3"}]}:
            done.set()
        return accepted(method, path, body)

    client = Script(said)
    events = [
        Event(event=ITEM_UPSERTED, item_id="c1", attributes={"make": "BMW"}),
        Event(event=ITEM_UPSERTED, item_id="c2", attributes={"make": "BMW"}),
        Event(event=ITEM_DELETED, item_id="c2"),
        Event(event=ITEM_DELETED, item_id="c1"),
        Event(event="search", event_id="x", timestamp=5, anonymous_id="v", context={"make": "BMW"}),
        Event(event="view", user_id="last", item_id="c3"),
    ]
    stream = Stream(client, events)
    stream.spared.add("c2")
    with stream.running():
        assert done.wait(30)
    assert client.sent == [
        ("PUT", "/v1/items/c1", {"attributes": {"make": "BMW"}}),
        ("DELETE", "/v1/items/c1", None),
        ("POST", "/v1/events", {"events": [as_posted(events[4])]}),
        ("POST", "/v1/events", {"events": [as_posted(events[5])]}),
    ]
    assert as_posted(events[4]) == {
        "event": "search", "anonymous_id": "v", "context": {"make": "BMW"},
    }  # fmt: skip
    assert stream.posted == {ITEM_UPSERTED: 1, ITEM_DELETED: 1, "search": 1, "view": 1}
    assert len(stream.waits_ms) == 4
    assert not stream.failures


def test_what_fails_is_kept_and_the_stream_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.cli.demo.cars.stream.PAUSE_S", 0.0)
    done = threading.Event()

    def said(method: str, path: str, body: Any) -> Any:
        if method == "DELETE":
            raise PalateError("away")
        done.set()
        return accepted(method, path, body)

    events = [Event(event=ITEM_DELETED, item_id="c1"), Event(event="view", user_id="u")]
    stream = Stream(Script(said), events)
    with stream.running():
        assert done.wait(30)
    assert stream.failures == ["away"]
    assert stream.posted == {"view": 1}


# ---------------------------------------------------------------------- the swap


def test_a_swap_counts_answers_by_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "BEFORE_S", 0.0)
    monkeypatch.setattr(swap, "AFTER_S", 0.0)
    current = ["cars:1"]
    asked = threading.Event()

    def said(method: str, path: str, body: Any) -> Any:
        asked.set()
        return {"release": current[0]}

    def promote() -> str:
        assert asked.wait(30)
        current[0] = "cars:2"
        return "cars:2"

    found = swap.swap_under_load(Script(said), ["a", "b"], promote)
    assert found.answers["cars:1"] >= 1
    assert found.answers["cars:2"] >= swap.IN_A_ROW
    assert found.failures == []
    assert len(found.waits_ms) == sum(found.answers.values())


def test_a_service_that_does_not_follow_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "BEFORE_S", 0.0)
    monkeypatch.setattr(swap, "LONGEST_S", 0.0)
    client = Script(lambda *_: {"release": "cars:1"})
    with pytest.raises(PalateError, match="did not follow to cars:2"):
        swap.swap_under_load(client, ["a"], lambda: "cars:2")


def test_failures_during_a_swap_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "BEFORE_S", 0.0)
    monkeypatch.setattr(swap, "AFTER_S", 0.0)
    fail = iter([True])

    def said(method: str, path: str, body: Any) -> Any:
        if next(fail, False):
            raise PalateError("cut off")
        return {"release": "cars:2"}

    assert swap.swap_under_load(Script(said), ["a"], lambda: "cars:2").failures == ["cut off"]


# ---------------------------------------------------------------------- what is printed


def test_a_profile_in_words() -> None:
    values = [{"value": "SUV", "probability": 0.623, "deviation": 0.114}]
    client = Script(
        lambda *_: {
            "categories": {name: {"values": values} for name in show.ATTRIBUTES},
            "numbers": {"price": {"mean": 12_345.0, "deviation": 800.0}},
        }
    )
    profile = show.Profile.of(client, "a/b")
    assert client.sent[0][1] == "/v1/users/a%2Fb/profile?visitor=true&k=1"
    assert profile.words() == ["SUV 62% ± 11"] * 3 + ["12.3 ± 0.8"]
    rows = [[*show.sharpening(0, None, 0.0, 3.0), "view it"]]
    rows.append([*show.sharpening(1, profile, 0.5, 3.0), ""])
    lines = show.sharpening_table(rows).splitlines()
    assert lines[1].split()[:2] == ["0", "-"]
    assert "SUV 62% ± 11" in lines[2]


def test_without_torch_the_model_is_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    choice = models.choose_model()
    assert (choice.model, choice.surface, choice.knows_new_cars) == ("contentknn", None, False)
    assert type(choice.build(Settings())).__name__ == "ContentKNN"


# ---------------------------------------------------------------------- all of it


@pytest.mark.slow
def test_the_whole_of_it_and_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    monkeypatch.setattr(loop, "N_CARS", 2_500)
    monkeypatch.setattr(loop, "N_VISITORS", 400)
    home = str(tmp_path / "shop")
    facts: list[dict[str, Any]] = []
    for _ in range(2):
        command = ["--home", home, "--json", "demo", "cars", "--exit", "--port", "0"]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        facts.append(json.loads(done.stdout.splitlines()[-1]))
    first, second = facts
    assert first["release"] == "cars:1"
    assert second["release"] == first["swap"]["release"] == "cars:2"
    for told in facts:
        clicks = told["clicks"]
        assert clicks[0]["profile"] is None
        assert clicks[-1]["delight"] > clicks[0]["delight"]
        unsure = [click["profile"]["price"][1] for click in (clicks[1], clicks[-1])]
        assert unsure[1] < unsure[0]
        assert told["sold"]["shown_after"] == 0
        assert told["price"]["before"] is False
        assert told["price"]["place"] is not None
        assert told["swap"]["failures"] == told["stream"]["failures"] == 0
        assert set(told["swap"]["answers"]) == {told["release"], told["swap"]["release"]}
    assert first["visitor"] != second["visitor"]
