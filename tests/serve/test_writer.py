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
from palate.events.schema import ITEM_UPSERTED, Event
from palate.serve import client as client_module
from palate.serve.client import WriterAwayError, WriterClient
from palate.serve.counters import CELLS, Counters, read_cells
from palate.serve.wire import Answer, Batch
from palate.serve.writer import GROUP_EVENTS, ITEM_EVENTS, Writer
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


def change(name: str) -> Event:
    return Event(event=ITEM_UPSERTED, event_id=name, item_id="c0", attributes={}, timestamp=7)


def ids(group: Sequence[Event]) -> list[str]:
    return [one.event_id for one in group]


class Peer:
    """Keeps the numbers of its batches that were answered, as they came together."""

    def __init__(self) -> None:
        self.answered: list[list[int]] = []

    def send(self, answers: Sequence[Answer]) -> None:
        self.answered.append([answer.number for answer in answers])


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


def test_changes_of_items_that_are_under_way_go_together(tmp_path: Path) -> None:
    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        names = [f"i{n}" for n in range(20)]
        answers = await asyncio.gather(*(client.append([change(name)]) for name in names))
        assert [answer[0].offset for answer in answers] == list(range(1, 21))
        assert [ids(group) for group in recorder.groups] == [names[:1], names[1:]]

    play(tmp_path, scene)


def test_a_sender_alone_never_waits_for_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_TOGETHER_S", 3600.0)

    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        for n in range(5):
            await client.append([change(f"i{n}")])
        assert len(recorder.groups) == 5

    play(tmp_path, scene)


def test_people_do_not_wait_for_changes_of_items_and_none_of_these_overtakes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_TOGETHER_S", 3600.0)

    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        waiting = [asyncio.create_task(client.append([change(f"i{n}")])) for n in range(3)]
        await waiting[0]
        await client.append([event("view")])
        assert not waiting[1].done()
        await client.append([event("buy"), change("i3")])
        assert [(await one)[0].offset for one in waiting] == [1, 3, 4]
        flat = [name for group in recorder.groups for name in ids(group)]
        assert flat == ["i0", "view", "i1", "i2", "buy", "i3"]

    play(tmp_path, scene)


def test_large_changes_wait_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_TOGETHER_S", 3600.0)
    monkeypatch.setattr(client_module, "_HELD_BYTES", 10)

    async def scene(client: WriterClient, recorder: Recorder, folder: Path) -> None:
        await asyncio.gather(*(client.append([change(f"i{n}")]) for n in range(5)))
        assert [name for group in recorder.groups for name in ids(group)] == [
            f"i{n}" for n in range(5)
        ]

    play(tmp_path, scene)


def test_a_change_that_was_held_when_the_writer_went_away_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_TOGETHER_S", 3600.0)

    async def run() -> None:
        path = tmp_path / "w.sock"
        client = WriterClient(path)
        running = asyncio.create_task(client.run())
        silent = await asyncio.get_running_loop().create_unix_server(Silent, str(path))
        assert await client.until_connected(5)
        pending = [asyncio.create_task(client.append([change(name)])) for name in ("a", "b")]
        while not Silent.peers:
            await asyncio.sleep(0)
        silent.close()
        Silent.peers.pop().abort()
        for one in pending:
            with pytest.raises(WriterAwayError, match="went away"):
                await one
        recorder = Recorder()
        server = await Writer(recorder, Counters(tmp_path / "c.bin")).listen(path)
        assert await client.until_connected(5)
        assert len(await client.append([change("b")])) == 1
        assert [ids(group) for group in recorder.groups] == [["b"]], "what was held is not sent"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()

    asyncio.run(asyncio.wait_for(run(), 10))


def queued(folder: Path, *batches: list[Event]) -> tuple[Recorder, Peer]:
    """What a writer commits where all these batches wait at once."""
    recorder, peer = Recorder(), Peer()

    async def run() -> None:
        writer = Writer(recorder, Counters(folder / "writer.bin"))
        for number, events in enumerate(batches):
            writer.take(cast(Any, peer), Batch(number, events))
        writer.close()

    asyncio.run(run())
    return recorder, peer


def test_people_go_first_and_few_items_with_them(tmp_path: Path) -> None:
    items = [[change(f"i{n}")] * 40 for n in range(3)]
    recorder, peer = queued(tmp_path, *items, [event("view")], [event("buy")])
    assert [sorted(set(ids(group))) for group in recorder.groups] == [
        ["buy", "i0", "view"],
        ["i1", "i2"],
    ]
    assert ids(recorder.groups[0])[:2] == ["view", "buy"]
    assert peer.answered == [[3, 4, 0], [1, 2]], "answered together"


def test_items_do_not_wait_for_ever(tmp_path: Path) -> None:
    people = [[event(f"v{n}")] * (GROUP_EVENTS - 1) for n in range(4)]
    recorder, _ = queued(tmp_path, [change("i")] * 100, *people)
    assert [sorted(set(ids(group))) for group in recorder.groups] == [
        ["v0"],
        ["i", "v1"],
        ["v2"],
        ["v3"],
    ]


def test_a_group_of_items_alone_is_short(tmp_path: Path) -> None:
    batches = [[change(f"i{n}")] * 60 for n in range(20)]
    recorder, _ = queued(tmp_path, *batches)
    assert max(map(len, recorder.groups)) <= ITEM_EVENTS
    assert [one for group in recorder.groups for one in group] == [e for b in batches for e in b]


def test_nothing_overtakes_a_batch_of_both_kinds(tmp_path: Path) -> None:
    people = [[event(f"v{n}")] * (GROUP_EVENTS - 1) for n in range(2)]
    recorder, _ = queued(
        tmp_path, [change("i0")], *people, [event("buy"), change("i1")], [change("i2")]
    )
    names = list(dict.fromkeys(name for group in recorder.groups for name in ids(group)))
    assert [name for name in names if name.startswith("i")] == ["i0", "i1", "i2"]
    assert [name for name in names if not name.startswith("i")] == ["v0", "v1", "buy"]


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
