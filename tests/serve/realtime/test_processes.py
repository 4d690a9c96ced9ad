"""The whole service with embedder and indexer: every worker follows, and none goes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.realtime.market import VANS, attributes_of
from tests.serve.running import children, fresh

from palate.config import Settings
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from palate.testing.process import until

pytestmark = pytest.mark.slow

ASK = {"user_id": "van", "surface": "neighbours", "k": 50}


class Everyone:
    """A few clients on connections of their own, so that all workers are asked."""

    def __init__(self, service: BackgroundService) -> None:
        self._clients = [fresh(service) for _ in range(4)]

    def ask(self, **more: Any) -> list[dict[str, Any]]:
        """Each one's answer."""
        found = []
        for client in self._clients:
            answered = client.post("/v1/recommendations", json={**ASK, **more})
            assert answered.status_code == 200, answered.text
            found.append(answered.json())
        return found

    def slates(self) -> list[set[str]]:
        return [{one["item_id"] for one in document["items"]} for document in self.ask()]

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def everyone(running: BackgroundService) -> Iterator[Everyone]:
    clients = Everyone(running)
    until(lambda: all(not document["degraded"] for document in clients.ask()))
    yield clients
    clients.close()


def put(service: BackgroundService, item: str) -> None:
    body = {"attributes": attributes_of(item)}
    assert httpx.put(f"{service.url}/v1/items/{item}", json=body, timeout=60).status_code == 200


def promote(settings: Settings, ref: str) -> None:
    releases = open_releases(settings.home)
    releases.promote(ref, "stable", by="test", reason="asked for")
    releases.close()


def test_items_come_and_go_in_every_worker(running: BackgroundService, everyone: Everyone) -> None:
    put(running, "v88")
    until(lambda: all("v88" in slate for slate in everyone.slates()))
    assert httpx.delete(f"{running.url}/v1/items/v88", timeout=60).status_code == 200
    assert all("v88" not in slate for slate in everyone.slates())
    for victim in children(running)["embedder"] + children(running)["indexer"]:
        os.kill(victim, signal.SIGKILL)
    put(running, "v89")
    until(lambda: all("v89" in slate for slate in everyone.slates()))


def test_a_release_is_taken_up_with_its_index(
    running: BackgroundService, market: Settings, everyone: Everyone
) -> None:
    first = everyone.ask()[0]
    assert httpx.delete(f"{running.url}/v1/items/{VANS[9]}", timeout=60).status_code == 200
    promote(market, "nets:2")
    of = {first["release"]: first["space"]}

    def is_taken_up() -> bool:
        found = everyone.ask()
        for document in found:
            assert not document["degraded"]
            assert of.setdefault(document["release"], document["space"]) == document["space"]
            assert VANS[9] not in {one["item_id"] for one in document["items"]}
        return all(document["release"] == "nets:2" for document in found)

    until(is_taken_up)
    assert len(set(of.values())) == 2
    promote(market, "nets:1")
    until(lambda: all(document["release"] == "nets:1" for document in everyone.ask()))


@pytest.mark.parametrize("role", ["embedder", "indexer"])
def test_a_role_runs_by_itself_and_ends_when_told(
    market: Settings, tmp_path: Path, role: str
) -> None:
    file = tmp_path / "palate.toml"
    file.write_text(f'home = "{market.home}"\n')
    command = [sys.executable, "-m", "palate.cli", "serve", "--role", role, "--json"]
    said = tmp_path / "said"
    with said.open("wb") as out, subprocess.Popen(command, stdout=out, cwd=tmp_path) as process:
        try:
            until(lambda: b'"role"' in said.read_bytes())
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
