"""The lines of SECURITY.md that only the whole service shows: real processes, real sockets."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from palate.config import Settings
from palate.serve import connection, reading
from palate.serve.background import BackgroundService
from palate.store.database import REGISTRY, Database
from palate.store.key import KeyLimits, Scope
from palate.store.keys import Keys
from palate.testing.process import until

pytestmark = pytest.mark.slow

MakeKey = Callable[..., str]


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[BackgroundService]:
    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        yield service


def address(service: BackgroundService) -> tuple[str, int]:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def statuses(service: BackgroundService, secret: str, tries: int = 12) -> set[int]:
    """Of so many requests, each with a connection of its own: of every worker."""
    headers = {"authorization": f"Bearer {secret}"}
    url = service.url + "/v1/popular"
    return {httpx.get(url, headers=headers, timeout=60).status_code for _ in range(tries)}


def test_t04_keys_come_and_go_in_all_workers(
    running: BackgroundService, settings: Settings, make_key: MakeKey
) -> None:
    assert statuses(running, "none") == {200}
    first = make_key(settings.home, Scope.READ)
    until(lambda: statuses(running, "none") == {401})
    assert statuses(running, first) == {200}
    with closing(Database(settings.home / REGISTRY)) as database:
        keys = Keys(database)
        second, _ = keys.rotate(keys.all()[0].id, overlap=timedelta(hours=1), by="test")
        until(lambda: statuses(running, second) == {200})
        assert statuses(running, first) == {200}, "both stand"
        for key in keys.all():
            keys.revoke(key.id, by="test")
        until(lambda: statuses(running, first) == {401} == statuses(running, second))
    assert statuses(running, "none") == {401}, "no revocation unlocks the service"


def test_t10_one_bucket_for_all_workers(
    settings: Settings, make_key: MakeKey, tmp_path: Path
) -> None:
    secret = make_key(settings.home, Scope.READ, limits=KeyLimits(0.001, 30))
    headers = {"authorization": f"Bearer {secret}"}
    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        url = service.url + "/v1/popular"
        answers = [httpx.get(url, headers=headers, timeout=60).status_code for _ in range(60)]
    assert answers == [200] * 30 + [429] * 30


def test_t12_a_head_that_does_not_come_is_not_waited_for(running: BackgroundService) -> None:
    """Nothing at all, half a head, and a head after a request that was answered."""
    whole = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with ExitStack() as opened:
        peers = []
        for start in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n", whole + b"GET /"):
            peer = opened.enter_context(closing(socket.create_connection(address(running))))
            peer.sendall(start)
            peers.append(peer)
        began = time.monotonic()
        for peer in peers:
            peer.settimeout(connection.HEAD_S + 20)
            while peer.recv(4096):
                pass
        assert time.monotonic() - began > connection.HEAD_S / 2


def test_t12_a_body_that_does_not_come_is_not_waited_for(running: BackgroundService) -> None:
    head = (
        b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n["
    )
    with closing(socket.create_connection(address(running))) as peer:
        peer.sendall(head)
        peer.settimeout(reading.BODY_S + 20)
        received = b""
        while more := peer.recv(4096):
            received += more
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in received


def test_t12_a_head_without_end_is_cut_off(running: BackgroundService) -> None:
    with closing(socket.create_connection(address(running))) as peer:
        peer.settimeout(20)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        received = b""
        try:
            for n in range(connection.MAX_HEAD_BYTES // 1000 + 50):
                peer.sendall(b"X-%06d: " % n + b"y" * 989 + b"\r\n")
            received = peer.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hung up while we went on
    assert received == b"" or received.startswith(b"HTTP/1.1 431 ")
    assert httpx.get(running.url + "/healthz", timeout=60).status_code == 200


def test_t13_5000_idle_connections_leave_the_service_answering(running: BackgroundService) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5_000
    assert hard == resource.RLIM_INFINITY or hard > wanted + 200, "raise ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 500), hard))

    async def crowd() -> None:
        host, port = address(running)
        idle = [await asyncio.open_connection(host, port) for _ in range(wanted)]
        try:
            async with httpx.AsyncClient(base_url=running.url, timeout=30) as client:
                for _ in range(20):
                    answered = await client.post("/v1/recommendations", json={"user_id": "ann"})
                    assert answered.status_code == 200
                event = {"event": "click", "user_id": "ann", "item_id": "c3"}
                posted = await client.post("/v1/events", json=[event])
                assert posted.json()["results"][0]["verdict"] == "accepted"
        finally:
            for _, writer in idle:
                writer.close()

    try:
        asyncio.run(crowd())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert httpx.get(running.url + "/healthz", timeout=60).status_code == 200


ANN, VISITOR = "ann-of-green-gables", "visitor-7f3a"


def traces(home: Path) -> list[str]:
    """Files below `home` that name her."""
    found = []
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [str(path)] if ANN.encode() in data or VISITOR.encode() in data else []
    return found


def test_t22_no_byte_of_an_erased_person_is_left_while_the_service_runs(
    running: BackgroundService, settings: Settings, tmp_path: Path
) -> None:
    def click(who: dict[str, str], item: str) -> dict[str, Any]:
        return {"event": "click", "item_id": item, "context": {"note": ANN}, **who}

    with httpx.Client(base_url=running.url, timeout=60) as client:

        def seen_by(question: dict[str, str]) -> Any:
            return client.post("/v1/recommendations", json=question).json()["items"]

        client.post("/v1/events", json=[click({"anonymous_id": VISITOR}, "d0")])
        client.post(f"/v1/users/{ANN}/identify", json={"anonymous_id": VISITOR})
        client.put(f"/v1/users/{ANN}", json={"attributes": {"age": 17}})
        batch = [click({"user_id": ANN}, f"c{n}") for n in range(3)]
        client.post("/v1/events", json=[*batch, {"event": "click", "userid": ANN}])
        # Some who stay, so that pages are split and rows moved.
        for n in range(20):
            others = [click({"user_id": f"other{n}-{m}"}, "c1") for m in range(20)]
            client.post("/v1/events", json=[{**one, "context": {}} for one in others])
        known = seen_by({"user_id": ANN})
        nobody = seen_by({"user_id": "nobody"})
        assert known != nobody
        exported = client.get(f"/v1/privacy/users/{ANN}").json()
        assert exported["anonymous_ids"] == [VISITOR]
        assert exported["attributes"] == {"age": 17}
        assert len(exported["refused"]) == 1
        assert len([e for e in exported["events"] if e["event"] == "click"]) == 4
        assert traces(settings.home)

        answered = client.delete(f"/v1/privacy/users/{ANN}", params={"now": "true"})
        assert answered.json()["status"] == "cleaned", answered.text
        assert answered.json()["ids"] == 2
        assert traces(settings.home) == []
        for _ in range(12):  # whichever worker is asked
            fresh = httpx.post(
                running.url + "/v1/recommendations", json={"user_id": ANN}, timeout=60
            )
            assert [i["item_id"] for i in fresh.json()["items"]] == [i["item_id"] for i in nobody]
        assert client.get(f"/v1/users/{ANN}").status_code == 404

        late = client.post("/v1/events", json=[click({"user_id": ANN}, "c4")]).json()["results"]
        assert late[0]["verdict"] == "invalid"
        assert "forgotten" in late[0]["reason"]
        assert client.put(f"/v1/users/{ANN}", json={}).status_code == 409
        again = client.delete(f"/v1/privacy/users/{ANN}", params={"now": "true"})
        assert again.json()["status"] == "cleaned"
        assert client.get(f"/v1/privacy/users/{ANN}").json()["events"] == []
        assert client.get("/v1/users/other7-7").status_code == 200
    assert traces(settings.home) == []
    assert ANN not in (tmp_path / "service.log").read_text()
