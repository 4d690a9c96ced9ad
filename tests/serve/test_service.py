"""The whole service: real processes, real sockets, and what survives their death."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.serve.running import Load, alive, children, figures, fresh, recommend, serving, slate

from palate.config import Settings
from palate.errors import ConfigError, LogError
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from palate.serve.keeper import ChildError
from palate.serve.layout import Layout
from palate.serve.lock import running_service
from palate.serve.remote import RemoteIngest, open_ingest_or_writer
from palate.serve.supervisor import serve
from palate.store.key import Scope
from palate.testing.process import until
from palate.types import Verdict

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0  # a hung test ends; nothing waits this long when all is well


@pytest.fixture(scope="module")
def shared(
    built_home_copy: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BackgroundService]:
    """One service for the tests that leave it answering with `taste:1`."""
    log = tmp_path_factory.mktemp("shared") / "service.log"
    with BackgroundService(built_home_copy, log=log) as service:
        yield service


def test_a_click_and_a_deletion_show_through_every_worker(shared: BackgroundService) -> None:
    workers: set[str] = set()
    with fresh(shared) as client:
        posted = client.post(
            "/v1/events", json=[{"event": "click", "user_id": "new", "item_id": "c3"}]
        )
        assert posted.json()["results"][0]["verdict"] == "accepted"
        assert client.delete("/v1/items/c4").status_code == 200
    for _ in range(24):
        with fresh(shared) as client:
            assert set(slate(client, user_id="new", k=4)) == {"c0", "c1", "c2", "c5"}
            workers.add(client.get("/readyz").text)
    asked = 'palate_requests_total{route="recommendations",status="200"}'
    until(lambda: figures(shared)["palate_slates_logged_total"] == 24)
    counted = figures(shared)
    assert counted[asked] == 24, "of all workers together"
    assert counted["palate_writer_events_total"] == 2 + 24, "the slates are events too"


def test_an_alias_is_followed_under_load_without_a_failed_request(
    shared: BackgroundService, built_home_copy: Settings
) -> None:
    releases = open_releases(built_home_copy.home)

    def answering(client: httpx.Client) -> str:
        return str(client.get("/readyz").json()["release"])

    with Load(shared, recommend) as load:
        for ref in ("taste:3", "taste:2", "taste:1"):
            releases.promote(ref, "stable", by="test", reason="test")
            clients = [fresh(shared) for _ in range(6)]
            for client in clients:
                until(lambda client=client, ref=ref: answering(client) == ref)  # type: ignore[misc]
                client.close()
        before = sum(load.statuses.values())
        until(lambda: sum(load.statuses.values()) > before + 20)
    assert set(load.statuses) == {200}
    assert load.lost == 0
    releases.close()


def test_a_damaged_bundle_is_refused_and_the_old_one_answers_on(
    running: BackgroundService, settings: Settings
) -> None:
    (bundle,) = settings.home.glob("objects/**/taste/3/**/state.npz")
    bundle.chmod(0o644)
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    with httpx.Client(base_url=running.url, timeout=60) as client:
        # `promote` verifies, so the alias is moved behind its back.
        with closing(sqlite3.connect(settings.home / "registry.sqlite")) as registry, registry:
            registry.execute(
                "INSERT INTO alias_steps (alias, name, version) VALUES ('stable', 'taste', 3)"
            )
        until(lambda: "palate_bundles_refused_total 0" not in client.get("/metrics").text)
        answered = client.post("/v1/recommendations", json={"user_id": "ann"}).json()
        assert answered["release"] == "taste:1"
        assert answered["degraded"] is False


def posting(acknowledged: list[str]) -> Callable[[httpx.Client, int], int]:
    def post(client: httpx.Client, number: int) -> int:
        batch = [
            {"event": "click", "user_id": f"u{number % 50}", "item_id": "c0",
             "event_id": f"load-{number}-{n}"}
            for n in range(3)
        ]  # fmt: skip
        answered = client.post("/v1/events", json=batch)
        for result in answered.json()["results"]:
            if result["verdict"] in ("accepted", "duplicate"):
                acknowledged.append(result["event_id"])
            else:
                assert result["verdict"] == "retry"
        return answered.status_code

    return post


@pytest.mark.parametrize("victim", ["writer", "worker"])
def test_kill_9_under_load_loses_nothing_acknowledged(
    running: BackgroundService, settings: Settings, victim: str
) -> None:
    acknowledged: list[str] = []
    n_children = 1 if victim == "writer" else settings.serve.workers

    def complete() -> bool:
        return len(serving(settings, victim)) == n_children

    with Load(running, posting(acknowledged)) as load:
        for _ in range(2):
            until(complete)
            (pid, *_) = serving(settings, victim)
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: pid not in serving(settings, victim))  # type: ignore[misc]
            until(complete)
            count = len(acknowledged)
            until(lambda count=count: len(acknowledged) > count + 60)  # type: ignore[misc]
    assert set(load.statuses) == {200}
    if victim == "writer":
        assert load.lost == 0, "reads and posts go on while the writer is away"
    with SqliteEventLog(settings.home / "events" / "log.sqlite", read_only=True) as log:
        after = 0
        logged: Counter[str] = Counter()
        while records := log.read(after):
            logged.update(r.event.event_id for r in records)
            after = records[-1].offset
    assert set(acknowledged) <= set(logged)
    assert max(logged.values()) == 1
    with fresh(running) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/v1/users/u0").status_code == 200


def test_a_spare_takes_the_place_of_what_was_killed(
    running: BackgroundService, settings: Settings
) -> None:
    """Of the writer and of a worker: it has its code loaded, so nobody waits for that."""
    for what in ("writer", "worker"):

        def spares(what: str = what) -> set[int]:
            return {*children(running).get(what, ())} - {*serving(settings, what)}

        until(lambda spares=spares: len(spares()) == 1)  # type: ignore[misc]
        (spare,) = spares()
        os.kill(serving(settings, what)[0], signal.SIGKILL)
        until(lambda what=what, spare=spare: spare in serving(settings, what))  # type: ignore[misc]
        until(lambda spares=spares, spare=spare: spares() - {spare})  # type: ignore[misc]


def test_the_end_is_in_order(settings: Settings, tmp_path: Path) -> None:
    service = BackgroundService(settings, log=tmp_path / "service.log")
    pids = [pid for pids in children(service).values() for pid in pids]
    assert len(pids) >= 1 + settings.serve.workers, "spares may have come"
    with Load(service, recommend) as load:
        assert service.stop() == 0
    assert set(load.statuses) == {200}
    assert not any(map(alive, pids))
    assert running_service(settings.home) is None
    assert "Traceback" not in (tmp_path / "service.log").read_text()


def test_children_do_not_outlive_a_killed_supervisor(settings: Settings, tmp_path: Path) -> None:
    service = BackgroundService(settings, log=tmp_path / "service.log")
    pids = [pid for pids in children(service).values() for pid in pids]
    os.kill(service.pid, signal.SIGKILL)
    until(lambda: not any(map(alive, pids)))
    service.stop()
    with BackgroundService(settings, log=tmp_path / "service.log") as again:
        assert httpx.get(again.url + "/healthz", timeout=60).status_code == 200


def test_a_second_service_on_one_home_is_refused(
    shared: BackgroundService, built_home_copy: Settings
) -> None:
    with pytest.raises(ChildError, match="another service runs"):
        BackgroundService(built_home_copy)
    assert httpx.get(shared.url + "/healthz", timeout=60).status_code == 200


def test_a_second_service_on_one_port_is_refused(
    shared: BackgroundService, built_home_copy: Settings, tmp_path: Path
) -> None:
    port = int(shared.url.rpartition(":")[2])
    other = built_home_copy.model_copy(
        update={
            "home": tmp_path / "other",
            "serve": built_home_copy.serve.model_copy(update={"port": port}),
        }
    )
    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
        serve(other)


def test_what_cannot_be_served_is_refused_at_once(settings: Settings) -> None:
    exposed = settings.serve.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(ConfigError, match="no keys"):
        serve(settings.model_copy(update={"serve": exposed}))
    with pytest.raises(ConfigError, match=r"\[surfaces.s\]"):
        serve(settings.model_copy(update={"surfaces": {"s": {"k": 0}}}))
    with pytest.raises(ConfigError, match="too long for a Unix socket"):
        serve(settings.model_copy(update={"home": settings.home / ("x" * 100)}))


def test_the_command_line_appends_through_a_running_service(
    shared: BackgroundService, built_home_copy: Settings
) -> None:
    appending = open_ingest_or_writer(built_home_copy)
    assert isinstance(appending, RemoteIngest)
    batch = [Event(event="click", user_id="cli", item_id="c0", event_id=f"cli-{n}") for n in "ab"]
    assert [a.verdict for a in appending.append(batch)] == [Verdict.ACCEPTED] * 2
    assert [a.verdict for a in appending.append(batch)] == [Verdict.DUPLICATE] * 2
    with fresh(shared) as client:
        assert len(client.get("/v1/users/cli").json()["events"]) == 2
    (writer,) = serving(built_home_copy, "writer")
    os.kill(writer, signal.SIGKILL)
    more = [*batch, Event(event="click", user_id="cli", item_id="c1")]
    verdicts = [a.verdict for a in appending.append(more)]
    assert verdicts == [Verdict.DUPLICATE, Verdict.DUPLICATE, Verdict.ACCEPTED]
    appending.close()


def test_a_writer_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="does not answer"):
        RemoteIngest(tmp_path / "nobody.sock", patience_s=0.0)


def test_without_a_service_the_command_line_appends_itself(settings: Settings) -> None:
    appending = open_ingest_or_writer(settings)
    batch = [Event(event="click", user_id="cli", item_id="c0", event_id="cli")]
    assert [a.verdict for a in appending.append(batch)] == [Verdict.ACCEPTED]
    appending.close()


def test_slow_and_broken_peers_do_not_stop_the_others(shared: BackgroundService) -> None:
    """Half a request, garbage, and a body longer than announced."""
    host, _, port = shared.url.removeprefix("http://").rpartition(":")
    peers = []
    for start in (
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[",
        b"\x16\x03\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        peer = socket.create_connection((host, int(port)))
        peer.sendall(start)
        peers.append(peer)
    with fresh(shared) as client:
        assert slate(client, user_id="ann", k=1)
    chunked = (part for part in [b"["] + [b'{"event": "x"},' * 1000] * 3)
    answered = httpx.post(
        shared.url + "/v1/events",
        content=chunked,
        headers={"content-type": "application/json"},
        timeout=60,
    )
    assert answered.status_code == 413
    for peer in peers:
        peer.close()


def test_t05_no_key_is_in_the_log_or_in_a_command_line(
    settings: Settings, make_key: Callable[..., str], tmp_path: Path
) -> None:
    key = make_key(settings.home, Scope.READ)
    log = tmp_path / "service.log"
    with BackgroundService(settings, log=log) as service:
        headers = {"authorization": f"Bearer {key}"}
        assert httpx.get(service.url + "/v1/popular", timeout=60).status_code == 401
        assert (
            httpx.get(service.url + "/v1/popular", headers=headers, timeout=60).status_code == 200
        )
        for pids in children(service).values():
            for pid in pids:
                assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
                assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        wrong = {"authorization": f"Bearer {key}x"}
        assert httpx.get(service.url + "/v1/popular", headers=wrong, timeout=60).status_code == 401
    assert log.stat().st_size > 0
    assert key not in log.read_text()
    for path in settings.home.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes()
    assert json.loads(Layout(settings.home).lock.read_text() or "null") is None
