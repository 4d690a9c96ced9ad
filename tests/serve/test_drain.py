"""The start, the end, and what the probes say in between."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from palate.config import Settings
from palate.events.schema import Event
from palate.features.ingest import open_log
from palate.serve.background import BackgroundService
from palate.serve.layout import Layout
from palate.serve.lifecycle import DRAIN, STARTED, Lifecycle
from palate.serve.processes import read_processes
from palate.serve.routes import health
from palate.testing.process import until
from palate.testing.service import InProcessService

EVENT = b'[{"event": "click", "user_id": "u", "item_id": "c0", "event_id": "under-way"}]'


# ---------------------------------------------------------------- probes


def reason(service: InProcessService) -> str:
    """Why it is not ready."""
    answered = service.request("GET", "/readyz")
    assert answered.status == 503
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["retry-after"] == "1"
    assert service.request("GET", "/healthz").status == 200, "it lives all the same"
    return str(answered.json["detail"])


def test_ready_means_release_state_and_writer(service: InProcessService) -> None:
    answered = service.request("GET", "/readyz")
    assert answered.status == 200
    assert answered.json == {"release": "taste:1", "writer": True, "status": "ready"}


def test_without_the_writer_it_is_not_ready(service: InProcessService) -> None:
    service.writer.connected = False
    assert "writer" in reason(service)


def test_at_the_end_it_is_not_ready_and_lets_its_clients_go(service: InProcessService) -> None:
    assert "connection" not in service.request("GET", "/healthz").headers
    service.context.lifecycle.hear(DRAIN)
    assert reason(service) == "the service ends"
    assert service.request("GET", "/healthz").headers["connection"] == "close"
    assert service.request("POST", "/v1/recommendations", {"user_id": "ann"}).status == 200


def test_with_a_state_behind_the_log_it_is_not_ready(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.ingest.log.append([Event(event="click", user_id="u", item_id="c0", event_id="e")])
    assert service.request("GET", "/readyz").status == 200, "one group is on its way, always"
    monkeypatch.setattr(health, "GROUP_EVENTS", 0)
    assert reason(service) == "the state is 1 events behind the log"


def test_with_a_state_that_cannot_be_read_it_is_not_ready(service: InProcessService) -> None:
    service.context.state.close()
    assert reason(service)


def test_with_a_release_that_cannot_be_loaded_it_is_not_ready(settings: Settings) -> None:
    (bundle,) = settings.home.glob("objects/**/taste/1/**/state.npz")
    bundle.chmod(0o644)
    bundle.write_bytes(b"damaged")
    with InProcessService(settings) as service:
        assert reason(service) == "taste:1, which stable names, is not loaded"
        answered = service.request("POST", "/v1/recommendations", {"user_id": "ann"})
        assert (answered.status, answered.json["degraded"]) == (200, True)


def test_before_the_first_release_it_is_ready(empty_service: InProcessService) -> None:
    """It must take events: the first release is trained on them."""
    assert empty_service.request("GET", "/readyz").json["release"] is None


def test_it_has_started_when_every_process_has(service: InProcessService) -> None:
    service.context.lifecycle.started = False
    assert service.request("GET", "/startupz").status == 503
    service.context.lifecycle.hear(STARTED)
    assert service.request("GET", "/startupz").json == {"status": "ok"}


def test_words_that_are_not_known_change_nothing() -> None:
    lifecycle = Lifecycle()
    lifecycle.hear("stop")
    assert (lifecycle.started, lifecycle.draining) == (False, False)


# ---------------------------------------------------------------- the end, with real processes


def serving(settings: Settings, **serve: float) -> Settings:
    return settings.model_copy(update={"serve": settings.serve.model_copy(update=serve)})


def connect(service: BackgroundService) -> socket.socket:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def half_posted(service: BackgroundService) -> socket.socket:
    """A request whose body has come by half."""
    peer = connect(service)
    head = b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    peer.sendall(head + b"Content-Length: %d\r\n\r\n" % len(EVENT) + EVENT[:20])
    until(lambda: in_progress(service) == 2)  # this one, and the scrape itself
    return peer


def in_progress(service: BackgroundService) -> int:
    (line,) = (
        line for line in httpx.get(service.url + "/metrics", timeout=60).text.splitlines()
        if line.startswith("palate_requests_in_progress ")
    )  # fmt: skip
    return int(line.split()[1])


def received(peer: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    data = b""
    while more := peer.recv(65536):
        data += more
    return data


def kept_open(service: BackgroundService) -> socket.socket:
    """A connection that has had one answer, and idles."""
    peer = connect(service)
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = b""
    while not answer.endswith(b'"ok"}'):  # head and body may come apart
        answer += peer.recv(65536)
    assert b"200 OK" in answer
    return peer


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered_and_its_event_kept(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    log_file = tmp_path / "service.log"
    with ExitStack() as opened, BackgroundService(settings, log=log_file) as service:
        idle, busy = opened.enter_context(kept_open(service)), half_posted(service)
        opened.enter_context(busy)
        os.kill(service.pid, number)
        assert received(idle) == b"", "idle connections are closed: the end has begun"
        busy.sendall(EVENT[20:])
        answered = received(busy)
        assert answered.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answered
        assert b'"accepted"' in answered
        assert service.stop() == 0
    with open_log(settings.home, settings, read_only=True) as log:
        (last,) = log.read(log.head() - 1)
        assert last.event.event_id == "under-way"
    said = log_file.read_text()
    assert "Traceback" not in said
    assert "killing" not in said


@pytest.mark.slow
def test_the_wait_for_requests_under_way_is_bounded(settings: Settings, tmp_path: Path) -> None:
    patient = serving(settings, drain_timeout_s=1.0)
    log = tmp_path / "service.log"
    with BackgroundService(patient, log=log) as service, half_posted(service) as never_ends:
        assert service.stop() == 0
        assert b"200 OK" not in received(never_ends)
    assert "killing" not in (tmp_path / "service.log").read_text()


@pytest.mark.slow
def test_notice_is_given_before_the_end(settings: Settings, tmp_path: Path) -> None:
    """Load balancers see 503 from /readyz while all else is answered; a second signal ends it."""
    noticed = serving(settings, drain_notice_s=3600.0)
    log = tmp_path / "service.log"
    with ExitStack() as opened, BackgroundService(noticed, log=log) as service:
        assert httpx.get(service.url + "/readyz", timeout=60).status_code == 200
        idle = opened.enter_context(kept_open(service))
        os.kill(service.pid, signal.SIGTERM)
        until(lambda: httpx.get(service.url + "/readyz", timeout=60).status_code == 503)
        for _ in range(10):  # through whichever worker
            answered = httpx.get(service.url + "/readyz", timeout=60)
            until(lambda: httpx.get(service.url + "/readyz", timeout=60).status_code == 503)
            assert httpx.get(service.url + "/v1/popular", timeout=60).status_code == 200
            assert httpx.get(service.url + "/healthz", timeout=60).status_code == 200
        assert answered.json()["detail"] == "the service ends"
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"connection: close" in received(idle), "kept connections are answered, and let go"
        os.kill(service.pid, signal.SIGTERM)
        until(lambda: service._process.poll() is not None)
        assert service.stop() == 0


@pytest.mark.slow
def test_a_worker_that_was_started_again_knows_that_the_service_has_started(
    settings: Settings, tmp_path: Path
) -> None:
    def worker(number: int) -> int | None:
        folder = Layout(settings.home).counters_folder
        return next((p.pid for p in read_processes(folder) if p.name == f"worker-{number}"), None)

    def replaced(number: int, before: int | None) -> Callable[[], bool]:
        return lambda: worker(number) not in (None, before)

    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        for number in range(settings.serve.workers):
            before = worker(number)
            assert before is not None
            os.kill(before, signal.SIGKILL)
            until(replaced(number, before))
        until(lambda: (tmp_path / "service.log").read_text().count(" is back after ") == 2)
        until(lambda: httpx.get(service.url + "/startupz", timeout=60).status_code == 200)
        for _ in range(10):
            assert httpx.get(service.url + "/startupz", timeout=60).status_code == 200
