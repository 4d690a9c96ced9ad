"""The doctor looks at the Redis server that keeps the state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.killable import KillableServer

Run = Callable[..., Any]


def of_store(ran: Any) -> list[tuple[str, str]]:
    return [(one["level"], one["found"]) for one in ran.data if one["check"] == "store"]


def test_files_below_home_need_no_server(palate: Run, project: Path) -> None:
    assert of_store(palate("doctor", "--json")) == []


def test_a_server_that_keeps_what_it_acknowledges(
    palate: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KillableServer(tmp_path / "server") as server:
        monkeypatch.setenv("PALATE_STORE__URL", server.url)
        ran = palate("doctor", "--json")
        (found,) = of_store(ran)
        assert found[0] == "ok"
        state = next(one for one in ran.data if one["check"] == "state")
        assert state["level"] == "warn", "nobody has written it there yet"
        assert "behind" in state["found"]


@pytest.mark.parametrize(
    ("config", "level", "says"),
    [
        ({"appendonly": "yes", "appendfsync": "everysec"}, "warn", "appendfsync everysec"),
        ({}, "warn", "appendonly no"),
        ({"maxmemory-policy": "allkeys-lru"}, "fail", "allkeys-lru"),
    ],
)
def test_one_that_may_lose_something(
    palate: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, str],
    level: str,
    says: str,
) -> None:
    with KillableServer(tmp_path / "server", durable=False, **config) as server:
        monkeypatch.setenv("PALATE_STORE__URL", server.url)
        found = of_store(palate("doctor", "--json"))
        assert any(one[0] == level and says in one[1] for one in found), found


def test_one_that_does_not_answer_and_no_password(
    palate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALATE_STORE__URL", "redis://me:tops3cret@127.0.0.1:1/0")
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert of_store(ran)[0][0] == "fail"
    assert "tops3cret" not in ran.out + ran.err
