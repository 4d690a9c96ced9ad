"""Writer and client over a real Unix socket: group commit, faults, reconnection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from palate.errors import EventError, LogError, StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.serve.client import WriterAwayError, WriterClient
from palate.serve.counters import CELLS, Counters, read_cells
from palate.serve.wire import Batch
from palate.serve.writer import GROUP_EVENTS, Writer
from palate.types import Verdict


class Recorder:
    """An ingest that keeps what it gets, in the groups in which it gets it."""

    def __init__(self) -> None:
        self.groups: list[list[Event]] = []
        self.letters: list[DeadLetter] = []
        self.settled: list[int] = []
        self.fault: Exception | None = None

    def append(self, events: Sequence[Event]) -> list[Appended]:
        if self.fault is not None:
            raise self.fault
        if any(event.event == "bad" for event in events):
            raise EventError("bad is bad")
        first = sum(map(len, self.groups)) + 1
        self.groups.append(list(events))
        return [Appended(Verdict.ACCEPTED, first + at) for at in range(len(events))]

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    def settle(self, numbers: Sequence[int]) -> None:
        self.settled += numbers


class Silent(asyncio.Protocol):
    """A writer that answers nothing."""

    peers: ClassVar[list[asyncio.WriteTransport]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peers.append(cast(asyncio.WriteTransport, transport))


def event(name: str) -> Event:
    return Event(event=name, event_id=name, user_id="ann", item_id="c0", value=1.5, timestamp=7)


Play = Callable[[WriterClient, Recorder, Path], Awaitable[None]]


def play(folder: Path, scene: Play) -> None:
    """Run `scene` with a client that is connected to a writer over a `Recorder`."""

    async def run() -> None:
        recorder = Recorder()
        writer = Writer(recorder, Counters(folder / "writer.bin"))
        server = await writer.listen(folder / "w.sock")
        client = WriterClient(folder / "w.sock")
        running = asyncio.create_task(client.run())
        assert await client.until_connected(5)
        await asyncio.wait_for(scene(client, recorder, folder), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()

    asyncio.run(run())


def test_events_arrive_as_they_were_sent(tmp_path: Path) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        sent = [event("a"), event("b")]
        assert await client.append(sent) == [
            Appended(Verdict.ACCEPTED, 1),
            Appended(Verdict.ACCEPTED, 2),
        ]
        assert recorder.groups == [sent]
        assert (folder / "w.sock").stat().st_mode & 0o777 == 0o600

    play(tmp_path, scene)


def test_batches_that_come_together_are_committed_together(tmp_path: Path) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        answers = await asyncio.gather(*(client.append([event(f"e{n}")]) for n in range(50)))
        assert [answer[0].offset for answer in answers] == list(range(1, 51))
        assert len(recorder.groups) < 10
        assert [e.event for group in recorder.groups for e in group] == [f"e{n}" for n in range(50)]
        cells = read_cells([folder / "writer.bin"])
        assert cells[CELLS["commits"]] == len(recorder.groups)
        assert cells[CELLS["committed_events"]] == 50
        assert cells[CELLS["queue"]] == 0

    play(tmp_path, scene)


def test_a_group_is_bounded(tmp_path: Path) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        half = [event("x")] * (GROUP_EVENTS // 2 + 1)
        await asyncio.gather(*(client.append(half) for _ in range(6)))
        assert max(map(len, recorder.groups)) <= GROUP_EVENTS + len(half)
        assert len(recorder.groups) >= 3

    play(tmp_path, scene)


def test_one_bad_batch_does_not_sink_its_group(tmp_path: Path) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        good, bad, fine = await asyncio.gather(
            client.append([event("a")]),
            client.append([event("bad")]),
            client.append([event("b")]),
            return_exceptions=True,
        )
        assert isinstance(good, list)
        assert isinstance(fine, list)
        assert isinstance(bad, EventError)
        assert "bad is bad" in str(bad)

    play(tmp_path, scene)


@pytest.mark.parametrize("fault", [LogError("disk full"), StoreError("state broken")])
def test_what_was_not_written_is_not_acknowledged(tmp_path: Path, fault: StoreError) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        recorder.fault = fault
        with pytest.raises(WriterAwayError, match=fault.message):
            await client.append([event("a")])
        recorder.fault = None
        assert len(await client.append([event("a")])) == 1

    play(tmp_path, scene)


def test_a_fault_that_lasts_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        recorder.fault = StoreError("state broken")
        for _ in range(5):
            with pytest.raises(WriterAwayError):
                await client.append([event("a")])
        recorder.fault = None
        await client.append([event("a")])

    with caplog.at_level(logging.INFO):
        play(tmp_path, scene)
    said = [record.message for record in caplog.records]
    assert sum("state broken" in one for one in said) == 1
    assert said[-1] == "events are appended again"


def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    """A peer may still be connected when log and state are closed."""
    recorder = Recorder()
    writer = Writer(recorder, Counters(tmp_path / "c.bin"))
    writer.close()
    writer.take(cast(Any, object()), Batch(1, [event("late")], []))
    writer.flush()
    assert recorder.groups == []


def test_what_was_refused_comes_along_and_once(tmp_path: Path) -> None:
    letters = [DeadLetter(b"\xff", "reason", 7, "events"), DeadLetter(b"", "other", 8, "events")]

    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        await client.append([], letters[:1])
        await asyncio.gather(  # one bad batch in the group, and it is tried again one by one
            client.append([event("a")], letters[1:]),
            client.append([event("bad")], letters[1:]),
            client.append([event("b")]),
            return_exceptions=True,
        )
        assert recorder.letters == [letters[0], letters[1], letters[1]]

    play(tmp_path, scene)


def test_a_lost_connection_is_told_and_made_again(tmp_path: Path) -> None:
    async def run() -> None:
        path = tmp_path / "w.sock"
        client = WriterClient(path)
        with pytest.raises(WriterAwayError):
            await client.append([event("a")])
        running = asyncio.create_task(client.run())
        loop = asyncio.get_running_loop()
        silent = await loop.create_unix_server(Silent, str(path))
        assert await client.until_connected(5)
        pending = asyncio.create_task(client.append([event("a")]))
        await asyncio.sleep(0)
        silent.close()
        Silent.peers.pop().abort()
        with pytest.raises(WriterAwayError, match="went away"):
            await pending
        assert not client.connected
        recorder = Recorder()
        server = await Writer(recorder, Counters(tmp_path / "c.bin")).listen(path)
        assert await client.until_connected(5)
        assert len(await client.append([event("a")])) == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_until_connected_gives_up(tmp_path: Path) -> None:
    async def run() -> bool:
        return await WriterClient(tmp_path / "nobody.sock").until_connected(0.01)

    assert asyncio.run(run()) is False


def test_a_peer_that_speaks_something_else_is_cut_off(tmp_path: Path) -> None:
    async def run() -> None:
        writer = Writer(Recorder(), Counters(tmp_path / "c.bin"))
        server = await writer.listen(tmp_path / "w.sock")
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x02{}"):
            reader, stream = await asyncio.open_unix_connection(str(tmp_path / "w.sock"))
            stream.write(garbage)
            with suppress(ConnectionResetError):
                assert await reader.read() == b"", "neither answer nor acknowledgement"
            stream.close()
        server.close()

    asyncio.run(asyncio.wait_for(run(), 10))
