"""A spare process: there when it is wanted, replaced when it was taken or died."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from palate.serve import spawn as module
from palate.serve.spawn import Spare

WAITS_FOR_ITS_INPUT = "json.tool"


def play(scene: Callable[[Spare], Awaitable[None]]) -> None:
    async def run() -> None:
        spare = Spare(WAITS_FOR_ITS_INPUT, ())
        keeping = asyncio.create_task(spare.keep())
        try:
            await asyncio.wait_for(scene(spare), 30)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await spare.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SETTLE_S", 0.0)
    monkeypatch.setattr(module, "_LOOK_S", 0.01)


async def waiting(spare: Spare, *, other_than: int = 0) -> int:
    """The process id of the spare."""
    while spare._waiting is None or spare._waiting.process.pid == other_than:
        await asyncio.sleep(0.01)
    return spare._waiting.process.pid


def test_a_spare_is_taken_and_replaced() -> None:
    async def scene(spare: Spare) -> None:
        first = await waiting(spare)
        taken = await spare.take()
        assert taken.process.pid == first
        assert await waiting(spare, other_than=first) != first
        await taken.discard()

    play(scene)


def test_a_spare_that_died_is_replaced() -> None:
    async def scene(spare: Spare) -> None:
        first = await waiting(spare)
        os.kill(first, signal.SIGKILL)
        assert await waiting(spare, other_than=first) != first

    play(scene)


def test_without_a_spare_a_process_is_started() -> None:
    async def run() -> None:
        spare = Spare(WAITS_FOR_ITS_INPUT, ())
        taken = await spare.take()
        await taken.discard()
        assert await taken.process.wait() == -signal.SIGKILL, "it was alive"
        await spare.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_dead_spare_is_not_handed_out() -> None:
    async def run() -> None:
        spare = Spare(WAITS_FOR_ITS_INPUT, ())
        dead = await spare.take()
        dead.process.kill()
        await dead.process.wait()
        spare._waiting = dead
        taken = await spare.take()
        assert taken.process.pid != dead.process.pid
        await taken.discard()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_what_settings_need_is_imported_and_what_is_missing_is_left() -> None:
    source = (
        "import sys; from palate.serve.child import preload; "
        "assert 'colorsys' not in sys.modules; preload(sys.argv[1:]); "
        "print('colorsys' in sys.modules)"
    )
    command = [sys.executable, "-c", source, "no_such_package.at.all", "colorsys"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "True\n"


def test_a_spare_is_told_what_to_import() -> None:
    async def run() -> str:
        spare = Spare("palate.serve.writer", (), preload=("colorsys",))
        spawned = await spare.take()
        arguments = Path(f"/proc/{spawned.process.pid}/cmdline")
        while not (said := arguments.read_bytes()):  # the kernel writes it a moment later
            await asyncio.sleep(0)
        await spawned.discard()
        return said.decode()

    assert asyncio.run(asyncio.wait_for(run(), 30)).split("\0")[1:4] == [
        "-m",
        "palate.serve.writer",
        "colorsys",
    ]
