"""Faults of the world: a disk that takes no more, slow clients, thousands of idle ones."""

from __future__ import annotations

import resource
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from palate.config import Settings
from palate.features.ingest import open_log
from palate.serve.background import BackgroundService
from palate.serve.layout import Layout
from palate.serve.processes import read_processes
from palate.testing.process import until

pytestmark = pytest.mark.slow
IDLE = 5_000
SLOW = 40


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[BackgroundService]:
    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        yield service


def address(service: BackgroundService) -> tuple[str, int]:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def metric(service: BackgroundService, name: str) -> float:
    text = httpx.get(service.url + "/metrics", timeout=60).text
    (line,) = (line for line in text.splitlines() if line.startswith(name + " "))
    return float(line.split()[1])


def batch(first: int) -> list[dict[str, Any]]:
    return [
        {"event": "click", "user_id": f"u{n}", "item_id": "c0", "event_id": f"e{n}",
         "context": {"filler": "x" * 300}}
        for n in range(first, first + 20)
    ]  # fmt: skip


def post(service: BackgroundService, events: list[dict[str, Any]]) -> list[dict[str, str]]:
    answered = httpx.post(service.url + "/v1/events", json=events, timeout=30)
    assert answered.status_code == 200
    results: list[dict[str, str]] = answered.json()["results"]
    return results


def largest_file(home: Path) -> int:
    return max(path.stat().st_size for path in home.rglob("*") if path.is_file())


@contextmanager
def no_file_beyond(settings: Settings, size: int) -> Iterator[None]:
    """The writer can write no byte at or beyond `size` of any file: its disk is full.

    0 is a disk that is read only. It needs no rights and no disk of its own, and SQLite, LMDB
    and the log to standard error meet it as they meet the real thing, in `write`.
    """
    (writer,) = (
        process.pid for process in read_processes(Layout(settings.home).counters_folder)
        if process.name == "writer"
    )  # fmt: skip
    _, hard = resource.prlimit(writer, resource.RLIMIT_FSIZE)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("disk", ["full", "read only"])
def test_a_disk_that_takes_no_more(
    running: BackgroundService, settings: Settings, tmp_path: Path, disk: str
) -> None:
    """Writes are refused clearly, reads go on, nothing is torn, and it mends by itself."""
    acknowledged: set[str] = set()
    refused: list[dict[str, Any]] = []
    size = 0 if disk == "read only" else largest_file(settings.home) + 50_000
    with no_file_beyond(settings, size):
        for first in range(0, 20_000, 20):
            results = post(running, batch(first))
            acknowledged |= {r["event_id"] for r in results if r["verdict"] == "accepted"}
            told = [r for r in results if r["verdict"] == "retry"]
            if told:
                refused = batch(first)
                assert len(told) == len(refused), "a batch is written whole or not at all"
                break
    assert refused, "the disk was never full"
    assert told[0]["reason"].startswith(("cannot write", "the state", "LMDB")), told[0]
    assert (len(acknowledged) > 0) is (disk == "full")
    # A checkpoint may have made a little room in the write-ahead log since: not one byte now.
    with no_file_beyond(settings, 0):
        for _ in range(6):  # through whichever worker
            answered = httpx.post(
                running.url + "/v1/recommendations", json={"user_id": "ann"}, timeout=60
            )
            assert (answered.status_code, answered.json()["degraded"]) == (200, False)
            assert httpx.get(running.url + "/healthz", timeout=60).status_code == 200
            assert httpx.get(running.url + "/v1/users/comic0", timeout=60).status_code == 200
        changed = httpx.put(
            running.url + "/v1/items/new", json={"attributes": {"price": 1}}, timeout=60
        )
        assert changed.status_code == 503
        assert changed.headers["retry-after"]
        assert metric(running, "palate_writer_failures_total") >= 2
    verdicts = {r["verdict"] for r in post(running, refused)}
    assert verdicts <= {"accepted", "duplicate"}, "there is room again"
    acknowledged |= {event["event_id"] for event in refused}
    assert httpx.get(running.url + "/readyz", timeout=60).status_code == 200
    assert running.stop() == 0
    with open_log(settings.home, settings, read_only=True) as log:
        logged = [r.event.event_id for r in log.read(limit=100_000)]
    assert acknowledged <= set(logged)
    assert len(logged) == len(set(logged))
    with closing(sqlite3.connect(settings.home / "events" / "log.sqlite")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_slow_clients_hold_nobody_up(running: BackgroundService) -> None:
    """Heads and bodies that come byte by byte, and answers that nobody reads."""
    heads = [
        b"GET /v1/popular HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%s"
        % b"Content-Length: 10000\r\n\r\n[",
    ]
    with ExitStack() as opened:
        slow = [opened.enter_context(socket.create_connection(address(running)))
                for _ in range(SLOW)]  # fmt: skip
        for number, peer in enumerate(slow):
            peer.sendall(heads[number % 2])
        deaf = [opened.enter_context(socket.create_connection(address(running)))
                for _ in range(SLOW)]  # fmt: skip
        for peer in deaf:  # asks a lot at once, and never reads
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.setblocking(False)
            peer.send(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        for turn in range(20):
            for peer in slow:
                with suppress(OSError):  # it may have hung up on a client that is so slow
                    peer.sendall(b"x" if turn % 2 else b" ")
            answered = httpx.post(
                running.url + "/v1/recommendations", json={"user_id": "ann"}, timeout=8.0
            )
            assert answered.status_code == 200
            (result,) = post(running, batch(turn * 20)[:1])
            assert result["verdict"] == "accepted"


@contextmanager
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > IDLE + 500, "the system allows too few files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_5000_idle_connections(running: BackgroundService, settings: Settings) -> None:
    with many_files(), ExitStack() as opened:
        for _ in range(IDLE):
            peer = opened.enter_context(socket.create_connection(address(running), timeout=30))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")  # then it idles
        until(lambda: metric(running, "palate_connections") >= IDLE)
        for number in range(20):
            assert slate(running)
            (result,) = post(running, batch(number * 20)[:1])
            assert result["verdict"] == "accepted"
        workers = [p for p in read_processes(Layout(settings.home).counters_folder)
                   if p.name != "writer"]  # fmt: skip
        assert min(worker.open_files for worker in workers) > IDLE / 4, "each holds its part"
    until(lambda: metric(running, "palate_connections") < 100)
    assert slate(running)


def slate(service: BackgroundService) -> list[Any]:
    answered = httpx.post(
        service.url + "/v1/recommendations", json={"user_id": "ann"}, timeout=60.0
    )
    assert answered.status_code == 200
    items: list[Any] = answered.json()["items"]
    return items


def test_a_consumer_group_that_never_commits_shows(
    running: BackgroundService, settings: Settings
) -> None:
    with open_log(settings.home, settings, read_only=True) as log:
        assert log.lease("forgetful", "job-1", ttl_s=0.001)
        before = log.head()
    assert metric(running, 'palate_group_lag_events{group="forgetful"}') == before
    post(running, batch(0))
    with open_log(settings.home, settings, read_only=True) as log:
        head = log.head()
    assert head >= before + 20
    assert metric(running, 'palate_group_lag_events{group="forgetful"}') >= before + 20
