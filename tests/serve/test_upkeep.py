"""The writer's upkeep: step after step while there is something to do, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from palate.errors import StoreError
from palate.serve import upkeep
from palate.serve.upkeep import checkpoint, follow, keep_up


class Steps:
    """An ingest that does what it is told, step by step, and ends the round at the last one."""

    def __init__(self, *steps: Callable[[], bool]) -> None:
        self.left = list(steps)
        self.done = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.times: list[int] = []

    def keep_up(self, now_us: int) -> bool:
        self.times.append(now_us)
        step = self.left.pop(0)
        if not self.left:
            self.loop.call_soon_threadsafe(self.done.set)
        return step()


def full() -> bool:
    raise StoreError("the disk is full")


def test_it_goes_on_while_there_is_more_and_after_a_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "_BREATH_S", 0.0)
    monkeypatch.setattr(upkeep, "_LOOK_S", 0.0)

    async def run() -> Steps:
        steps = Steps(lambda: True, lambda: True, full, lambda: False, lambda: False)
        await asyncio.wait_for(keep_up(steps, steps.done), 10)
        return steps

    with caplog.at_level(logging.ERROR):
        steps = asyncio.run(run())
    assert not steps.left
    assert steps.times == sorted(steps.times)
    assert "the disk is full" in caplog.text


def test_it_ends_at_once_when_there_is_nothing_to_do() -> None:
    async def run() -> None:
        steps = Steps(lambda: False)
        await asyncio.wait_for(keep_up(steps, steps.done), 10)  # far less than _LOOK_S

    asyncio.run(run())


def test_checkpoints_go_on_after_a_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "_CHECKPOINT_S", 0.0)
    monkeypatch.setattr(upkeep, "_AGAIN_S", 0.0)

    class Log:
        def __init__(self, steps: Steps) -> None:
            self.steps = steps

        def checkpoint(self) -> None:
            self.steps.keep_up(0)

    async def run() -> Steps:
        steps = Steps(lambda: True, full, lambda: True)
        await asyncio.wait_for(checkpoint(Log(steps), steps.done), 10)
        return steps

    with caplog.at_level(logging.WARNING):
        steps = asyncio.run(run())
    assert not steps.left
    assert "no checkpoint, trying again: the disk is full" in caplog.text


class Behind(Steps):
    """An ingest whose state is behind or not, step by step."""

    def catch_up(self) -> bool:
        return self.keep_up(0)


def test_a_state_that_cannot_follow_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "_FOLLOW_S", 0.0)

    async def run() -> Behind:
        steps = Behind(lambda: False, full, full, full, lambda: True, lambda: False)
        await asyncio.wait_for(follow(steps, steps.done), 10)
        return steps

    with caplog.at_level(logging.INFO):
        assert not asyncio.run(run()).left
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the state does not follow the log, trying again",
        "the state follows the log again",
    ]
