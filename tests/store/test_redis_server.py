"""A server that goes away costs little, and comes back by itself; its address stays a secret."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest
from tests.killable import KillableServer

from palate.errors import MissingExtraError, StoreError
from palate.store import redis_server
from palate.store.redis_server import RedisServer, StoreAwayError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(redis_server, "time", clock)
    return clock


def ping(server: RedisServer) -> bool:
    found: bool = server.run(lambda client: client.ping())
    return found


def test_connections_that_broke_while_idle_are_made_anew(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        server = RedisServer(killable.url, timeout_s=1.0)
        killable.kill()
        killable.start()
        assert ping(server)
        server.close()


def test_after_a_failure_it_is_left_alone_for_a_while(tmp_path: Path, clock: Clock) -> None:
    with KillableServer(tmp_path) as killable:
        server = RedisServer(killable.url, timeout_s=1.0)
        killable.kill()
        with pytest.raises(StoreAwayError, match="did not answer"):
            ping(server)
        killable.start()
        with pytest.raises(StoreAwayError, match="away a moment ago"):
            ping(server)
        clock.now += 0.06
        assert ping(server)
        server.close()


@pytest.mark.parametrize(("took_s", "rests_s"), [(0.0, 0.05), (0.2, 0.4), (7.0, 1.0)])
def test_it_is_left_alone_twice_as_long_as_it_took(
    tmp_path: Path, clock: Clock, took_s: float, rests_s: float
) -> None:
    with KillableServer(tmp_path) as killable:
        server = RedisServer(killable.url, timeout_s=1.0)

        def slow(client: Any) -> None:
            clock.now += took_s
            raise TimeoutError("too slow")

        with pytest.raises(StoreAwayError, match="too slow"):
            server.run(slow)
        clock.now += rests_s - 0.001
        with pytest.raises(StoreAwayError, match="a moment ago"):
            ping(server)
        clock.now += 0.002
        assert ping(server)
        server.close()


def test_a_refusal_is_not_an_absence(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        server = RedisServer(killable.url, timeout_s=1.0)
        with pytest.raises(StoreError, match="refuses") as caught:
            server.run(lambda client: client.execute_command("NO-SUCH-COMMAND"))
        assert not isinstance(caught.value, StoreAwayError)
        assert ping(server)
        server.close()


@pytest.mark.parametrize(
    "url",
    ["redis://me:tops3cret@127.0.0.1:1/0", "redis://:tops3cret@127.0.0.1:notaport/0", "tops3cret"],
)
def test_no_error_repeats_the_address(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        RedisServer(url, timeout_s=0.2)
    assert "tops3cret" not in f"{caught.value!s} {caught.value!r}"


def test_a_wrong_password_is_said_and_not_repeated(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        with killable.client() as client:
            client.config_set("requirepass", "right")
        with pytest.raises(StoreError) as caught:
            RedisServer(killable.url.replace("//", "//:tops3cret@"), timeout_s=1.0)
        assert "tops3cret" not in str(caught.value)


def test_without_the_client_it_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'palate\[redis\]'"):
        RedisServer("redis://127.0.0.1:1/0", timeout_s=0.2)


def test_a_dead_server_costs_no_seconds(tmp_path: Path) -> None:
    """The client's own way is to try again for seconds; a request cannot wait so long."""
    with KillableServer(tmp_path) as killable:
        server = RedisServer(killable.url, timeout_s=5.0)
        killable.kill()
        slept: list[float] = []
        original = time.sleep
        time.sleep = slept.append  # type: ignore[assignment]
        try:
            with pytest.raises(StoreAwayError):
                ping(server)
        finally:
            time.sleep = original
        assert slept == []
        server.close()
