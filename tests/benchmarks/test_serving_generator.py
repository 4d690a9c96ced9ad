"""The load generator: its percentiles, its arrivals, and latency that counts the waiting."""

from __future__ import annotations

import importlib
import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("serving.generator")
    for name in [name for name in sys.modules if name.partition(".")[0] == "serving"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0), (0.001, 1.0)]
)
def test_percentiles_of_one_to_a_hundred(generator: Any, share: float, expected: float) -> None:
    assert generator.percentile([float(n) for n in range(1, 101)], share) == expected


def test_percentiles_of_one_value(generator: Any) -> None:
    assert generator.percentile([7.0], 0.5) == generator.percentile([7.0], 0.99) == 7.0


def test_arrivals_are_seeded_ordered_and_as_many_as_said(generator: Any) -> None:
    moments = list(generator.arrivals(1000.0, 10.0, 1))
    assert moments == list(generator.arrivals(1000.0, 10.0, 1))
    assert moments != list(generator.arrivals(1000.0, 10.0, 2))
    assert all(a < b for a, b in itertools.pairwise(moments))
    assert moments[-1] < 10.0
    assert len(moments) == pytest.approx(10_000, rel=0.05)


def one_at_a_time(listening: socket.socket, delay_s: float, n: int) -> None:
    """Answers `n` requests on one connection, each after a while, in pieces."""
    peer, _ = listening.accept()
    with peer:
        for _ in range(n):
            while b"\r\n\r\n" not in peer.recv(65536):
                pass
            time.sleep(delay_s)
            for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 2\r\n\r\n{", b"}"):
                peer.sendall(piece)


def test_a_request_that_waits_for_a_connection_is_as_late_as_it_is(generator: Any) -> None:
    delay_s, n = 0.02, 5
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = threading.Thread(target=one_at_a_time, args=(listening, delay_s, n))
        server.start()
        pool = generator.Pool(f"http://127.0.0.1:{port}", 1)
        measured = generator.Measured()
        due = time.perf_counter()
        for _ in range(n):
            pool.ask(pool.request("GET", "/"), measured.done(due))
        pool.drain()
        server.join()
    assert measured.failed == 0
    for at, latency_s in enumerate(measured.latencies_s, 1):
        assert latency_s >= at * delay_s, "it counts from when it was due, not from when it left"
    for connection in pool._all:
        connection.socket.close()
