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


def swapped(**of: int) -> dict[str, Any]:
    pairs = {name.replace("_", " "): n for name, n in of.items()}
    return {"failed": 0, "lost": 0, "degraded": 0, "p99_ms": 9.0, "of": pairs}


def test_answers_of_a_release_with_two_spaces_are_mixed(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    load("serving.realtime").report_swaps(bench, swapped(a_one=50, b_two=40, b_one=3))
    failed = bench.records[0]
    assert (failed.value, failed.met) == (43.0, False)


def test_two_releases_each_of_its_own_space_are_sound(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    load("serving.realtime").report_swaps(bench, swapped(a_one=50, b_two=50))
    failed, share, p99 = bench.records
    assert (failed.value, failed.met) == (0.0, True)
    assert (share.value, p99.value) == (0.5, 9.0)


def test_where_nothing_was_swapped_there_is_no_figure(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    with pytest.raises(SystemExit, match="no swap"):
        load("serving.realtime").report_swaps(bench, swapped(a_one=50))


def test_snapshots_that_workers_loaded_are_counted_from_a_moment_on(
    load: Any, tmp_path: Path
) -> None:
    reloads = load("serving.realtime_reloads")
    log = tmp_path / "service.log"
    log.write_text(f'{{"message":"{reloads.LOADED} a"}}\n')
    begun = log.stat().st_size
    with log.open("a") as file:
        file.write(f'{{"message":"{reloads.LOADED} b"}}\n{{"message":"x"}}\n')
    assert (reloads.loaded_since(log, 0), reloads.loaded_since(log, begun)) == (2, 1)


def test_reloads_that_did_not_happen_are_no_figure(load: Any) -> None:
    bench = load("harness").Bench("x", "X", arguments=[])
    figures = {"failed": 1, "lost": 2, "degraded": 4, "p99_ms": 9.0}
    report = load("serving.realtime_reloads").report_reloads
    report(bench, figures, 6)
    assert [one.value for one in bench.records] == [6.0, 3.0, 4.0, 9.0]
    assert [one.met for one in bench.records if one.target is not None] == [False]
    with pytest.raises(SystemExit, match="no worker loaded"):
        report(bench, figures, 0)


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
