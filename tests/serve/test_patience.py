"""Processes wait for the state's server; who starts the service is told at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.killable import KillableServer

from palate.config import Settings, StoreSettings
from palate.serve import patience
from palate.serve.background import BackgroundService
from palate.serve.keeper import ChildError
from palate.serve.patience import until_store_answers
from palate.store.redis_server import StoreAwayError

NOBODY = "redis://127.0.0.1:1/0"


def on(url: str) -> Settings:
    return Settings(store=StoreSettings(url=url))


def waited(settings: Settings, *, stopped: bool = False) -> bool:
    async def run() -> bool:
        stop = asyncio.Event()
        if stopped:
            stop.set()
        return await asyncio.wait_for(until_store_answers(settings, stop), 30)

    return asyncio.run(run())


def test_without_a_server_there_is_no_wait() -> None:
    assert waited(Settings())


def test_it_goes_on_once_the_server_answers(tmp_path: Path) -> None:
    async def run() -> None:
        with KillableServer(tmp_path) as server:
            server.kill()
            waiting = asyncio.create_task(until_store_answers(on(server.url), asyncio.Event()))
            await asyncio.sleep(0)
            assert not waiting.done()
            await asyncio.to_thread(server.start)
            assert await asyncio.wait_for(waiting, 30)

    asyncio.run(run())


def test_it_gives_up_when_it_is_told_to_end() -> None:
    assert not waited(on(NOBODY), stopped=True)


def test_it_says_so_when_the_server_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PATIENCE_S", 0.0)
    with pytest.raises(StoreAwayError, match="did not answer"):
        waited(on(NOBODY))


def test_a_service_whose_server_is_away_does_not_begin(settings: Settings, tmp_path: Path) -> None:
    store = StoreSettings(url=NOBODY)
    with pytest.raises(ChildError, match="the Redis server did not answer"):
        BackgroundService(settings.model_copy(update={"store": store}), log=tmp_path / "log")
