"""The load on the nets: answers of two versions are found, and a service that goes away is said."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module
    for name in list(sys.modules):
        if name.partition(".")[0] in ("serving", "harness", "record", "peers"):
            del sys.modules[name]


def load_of(**of: int) -> dict[str, Any]:
    pairs = {name.replace("_", " "): n for name, n in of.items()}
    return {"failed": 0, "lost": 0, "degraded": 0, "p99_ms": 9.0, "of": pairs}


def reported_swaps(load: Any, *loads: dict[str, Any]) -> list[Any]:
    bench = load("harness").Bench("x", "X", arguments=[])
    swaps = load("serving.realtime_swaps")
    swaps.report_swaps(bench, [swaps.Swapped(one, 40.0) for one in loads])
    return list(bench.records)


def test_answers_of_a_release_with_two_spaces_are_mixed(load: Any) -> None:
    failed = reported_swaps(load, load_of(a_one=50, b_two=40, b_one=3))[0]
    assert (failed.value, failed.met) == (43.0, False)


def test_two_releases_each_of_its_own_space_are_sound(load: Any) -> None:
    failed, share, made, p99 = reported_swaps(load, load_of(a_one=50, b_two=50))
    assert (failed.value, failed.met) == (0.0, True)
    assert (share.value, made.value, p99.value) == (0.5, 40.0, 9.0)


def test_of_several_runs_the_worst_says_what_failed(load: Any) -> None:
    sound, lost = load_of(a_one=50, b_two=50), {**load_of(a_one=10, b_two=30), "lost": 2}
    failed, share, _, p99, worst = reported_swaps(load, sound, sound, {**lost, "p99_ms": 20.0})
    assert (failed.value, failed.met) == (2.0, False)
    assert (share.value, share.low) == (0.5, 0.25)
    assert (p99.value, worst.value) == (9.0, 20.0)


def test_where_nothing_was_swapped_there_is_no_figure(load: Any) -> None:
    with pytest.raises(SystemExit, match="no swap"):
        reported_swaps(load, load_of(a_one=50, b_two=50), load_of(a_one=50))


def test_what_the_service_says_is_counted_from_a_moment_on(load: Any, tmp_path: Path) -> None:
    loaded = load("serving.realtime_reloads").LOADED
    said_since = load("serving.realtime_service").said_since
    log = tmp_path / "service.log"
    log.write_text(f'{{"message":"{loaded} a"}}\n')
    begun = log.stat().st_size
    with log.open("a") as file:
        file.write(f'{{"message":"{loaded} b"}}\n{{"message":"x"}}\n')
    assert (said_since(log, 0, loaded), said_since(log, begun, loaded)) == (2, 1)


def test_what_workers_say_of_swaps_and_snapshots_is_told_apart(load: Any) -> None:
    swapped = load("serving.realtime_swaps").ANSWERS_WITH
    loaded = load("serving.realtime_reloads").LOADED
    assert swapped not in loaded
    source = {path.name: path.read_text() for path in (ROOT / "src" / "palate").rglob("*.py")}
    assert f'"{loaded} %s' in source["replica.py"]
    assert f'"{swapped}%s' in source["shelf.py"]


def test_reloads_are_counted_over_all_windows(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    reloads = load("serving.realtime_reloads")
    one = {**load_of(a_one=50, b_two=40, b_one=3), "failed": 1, "lost": 2, "degraded": 4}
    two = {**load_of(a_one=50, b_two=40), "p99_ms": 11.0}
    runs = [reloads.Reloaded(one, 6, 70.0), reloads.Reloaded(two, 8, 74.0)]
    reloads.report_reloads(bench, runs)
    values = {record.name.removeprefix("realtime/"): record.value for record in bench.records}
    during = "while snapshots are loaded and aliases swap"
    assert values == {
        "snapshots that workers loaded in 40 s": 7.0,
        "swaps that a worker made in those 40 s": 72.0,
        f"answers failed or lost {during}": 3.0,
        f"answers of mixed versions {during}": 43.0,
        f"answers degraded {during}": 4.0,
        f"p99 {during}": 10.0,
        f"p99 {during}, worst of 2 runs": 11.0,
    }
    assert [one.met for one in bench.records if one.target is not None] == [False, False]


def test_reloads_that_did_not_happen_are_no_figure(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    reloads = load("serving.realtime_reloads")
    sound = load_of(a_one=50, b_two=40)
    with pytest.raises(SystemExit, match="no worker loaded"):
        reloads.report_reloads(
            bench, [reloads.Reloaded(sound, 6, 70.0), reloads.Reloaded(sound, 0, 70.0)]
        )


def test_each_change_is_a_new_price_of_one_of_the_cars(load: Any) -> None:
    changes = load("serving.realtime_changes").changes
    pool = load("serving.generator").Pool("http://127.0.0.1:9", 0)
    cars = [{"item_id": f"car{n}", "attributes": {"make": "A", "price": 1}} for n in range(3)]
    found = changes(pool, cars, 40, 1)
    assert found == changes(pool, cars, 40, 1)
    heads, bodies = zip(*(one.split(b"\r\n\r\n") for one in found), strict=True)
    assert {head.split()[1] for head in heads} == {b"/v1/items/car%d" % n for n in range(3)}
    attributes = [json.loads(body)["attributes"] for body in bodies]
    assert {one["make"] for one in attributes} == {"A"}
    assert len({one["price"] for one in attributes}) > 30


def test_requests_that_are_never_answered_are_lost(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, realtime = load("serving.generator"), load("serving.realtime_load")
    monkeypatch.setattr(generator, "DRAIN_S", 0.0)
    plan = {"rate": 2_000.0, "seconds": 0.01, "seed": 1}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pool = generator.Pool(f"http://127.0.0.1:{listening.getsockname()[1]}", 2)
        measured = generator.Measured()
        measured.latencies_s.append(0.5)
        figures = realtime.opened(pool, [b"never"], plan, measured)
        pool.close()
    asked = sum(1 for _ in generator.arrivals(2_000.0, 0.01, 1))
    assert figures["lost"] == asked - 1


def test_a_service_that_goes_away_is_told_in_a_sentence(load: Any) -> None:
    generator = load("serving.generator")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        closing = threading.Thread(target=lambda: listening.accept()[0].close())
        closing.start()
        with pytest.raises(SystemExit, match=r"load on http://127.* ended early: "):
            asked_once(generator, url)
        closing.join()


def asked_once(generator: Any, url: str) -> None:
    with generator.explained(url):
        pool = generator.Pool(url, 1)
        try:
            pool.ask(b"GET / HTTP/1.1\r\n\r\n", lambda answer: None)
            pool.drain()
        finally:
            pool.close()
