"""Slates on their way to the log: batched, kept while the writer is away, counted when lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from palate.errors import EventError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.events.served import Slate, slate_of
from palate.serve import outbox as outbox_module
from palate.serve.client import WriterAwayError
from palate.serve.counters import CELLS, Counters, read_cells
from palate.serve.outbox import Outbox
from palate.types import Verdict


def slate(number: int) -> Slate:
    return Slate(
        request_id=f"r{number}", timestamp=number, items=["a"], scores=[0.5], propensities=[1.0]
    )


def letter(number: int) -> DeadLetter:
    return DeadLetter(b"raw", "reason", number, "events")


class Taker:
    """A writer that may be away, or refuse."""

    connected = True

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.batches: list[list[Event]] = []
        self.letters: list[DeadLetter] = []
        self.hang = False

    async def append(
        self, events: Sequence[Event], refused: Sequence[DeadLetter] = ()
    ) -> list[Appended]:
        if self.fault is not None:
            raise self.fault
        self.batches.append(list(events))
        self.letters += refused
        if self.hang:
            await asyncio.Event().wait()
        return [Appended(Verdict.ACCEPTED, 1) for _ in events]


class Scene:
    def __init__(self, folder: Path, *, slates: bool = True) -> None:
        self.file = folder / "worker-0.bin"
        self.writer = Taker()
        self.outbox = Outbox(self.writer, Counters(self.file), slates=slates)

    def counted(self) -> tuple[float, float, float, float]:
        cells = read_cells([self.file])
        names = ("served", "served_written", "served_lost", "letters_lost")
        taken, written, lost, letters = (cells[CELLS[name]] for name in names)
        return taken, written, lost, letters


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_came_together_goes_together(scene: Scene) -> None:
    for number in range(3):
        scene.outbox.served(slate(number))
    assert scene.counted() == (3, 0, 0, 0)
    asyncio.run(scene.outbox.flush())
    (batch,) = scene.writer.batches
    assert [slate_of(event) for event in batch] == [slate(number) for number in range(3)]
    assert len({event.event_id for event in batch}) == 3
    assert scene.counted() == (3, 3, 0, 0)
    asyncio.run(scene.outbox.flush())
    assert len(scene.writer.batches) == 1


def test_while_the_writer_is_away_they_wait(scene: Scene) -> None:
    scene.outbox.served(slate(1))
    scene.outbox.refused([letter(1)])
    scene.writer.fault = WriterAwayError("away")
    asyncio.run(scene.outbox.flush())
    scene.outbox.served(slate(2))
    scene.outbox.refused([letter(2)])
    scene.writer.fault = None
    asyncio.run(scene.outbox.flush())
    assert [event.request_id for event in scene.writer.batches[0]] == ["r1", "r2"]
    assert scene.writer.letters == [letter(1), letter(2)]
    assert scene.counted() == (2, 2, 0, 0)


def test_sent_again_they_have_the_same_ids(scene: Scene) -> None:
    """So that a batch that was written but not acknowledged is in the log once."""
    scene.outbox.served(slate(1))
    scene.writer.hang = True

    async def cut_short() -> None:
        flushing = asyncio.create_task(scene.outbox.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)

    asyncio.run(cut_short())
    scene.writer.hang = False
    asyncio.run(scene.outbox.close())
    first, second = scene.writer.batches
    assert first == second


def test_too_many_lose_the_oldest_and_it_is_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MOST", 3)
    for number in range(5):
        scene.outbox.served(slate(number))
    scene.outbox.refused([letter(number) for number in range(5)])
    asyncio.run(scene.outbox.flush())
    assert [event.request_id for event in scene.writer.batches[0]] == ["r2", "r3", "r4"]
    assert scene.writer.letters == [letter(2), letter(3), letter(4)]
    assert scene.counted() == (5, 3, 2, 2)


def test_what_no_log_takes_is_lost_once_and_counted(scene: Scene) -> None:
    scene.outbox.served(slate(1))
    scene.writer.fault = EventError("bad")
    asyncio.run(scene.outbox.flush())
    scene.writer.fault = None
    asyncio.run(scene.outbox.flush())
    assert scene.writer.batches == []
    assert scene.counted() == (1, 0, 1, 0)


def test_what_a_killed_worker_had_not_sent_is_counted_by_its_successor(tmp_path: Path) -> None:
    killed = Scene(tmp_path)
    for number in range(3):
        killed.outbox.served(slate(number))
    asyncio.run(killed.outbox.flush())
    killed.outbox.served(slate(3))
    successor = Scene(tmp_path)
    assert successor.counted() == (4, 3, 1, 0)
    successor.outbox.served(slate(4))
    asyncio.run(successor.outbox.flush())
    assert Scene(tmp_path).counted() == (5, 4, 1, 0)  # nothing more was lost


def test_slates_that_nobody_wants(tmp_path: Path) -> None:
    scene = Scene(tmp_path, slates=False)
    assert not scene.outbox.takes_slates
    scene.outbox.served(slate(1))
    asyncio.run(scene.outbox.flush())
    assert scene.writer.batches == []
    assert scene.counted() == (0, 0, 0, 0)


def test_it_runs_by_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "_EVERY_S", 0.0)

    async def some_rounds() -> None:
        running = asyncio.create_task(scene.outbox.run())
        scene.outbox.served(slate(1))
        while not scene.writer.batches:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(some_rounds())
    assert scene.counted() == (1, 1, 0, 0)
