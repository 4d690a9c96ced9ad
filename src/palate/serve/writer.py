"""The one process that owns the event log and writes the state: group commit for all workers."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol, cast

import msgspec

from palate.errors import EventError, StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.features.ingest import open_ingest
from palate.serve.child import Boot, bootstrap, on_stop, report_ready
from palate.serve.chores import do_chores
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.patience import until_store_answers
from palate.serve.upkeep import checkpoint, follow, keep_up
from palate.serve.wire import Answer, Batch, FrameReader, about_items, frame

__all__ = ["Appender", "Writer", "main"]

_SWITCH_S: Final = 0.0005  # for which a thread beside may hold up a commit, not 5 ms
GROUP_EVENTS: Final = 5_000  # most events in one commit: bounds the wait of those behind
ITEM_EVENTS: Final = 500  # as many of items where no people wait: some may come meanwhile
_ITEMS_BESIDE: Final = 50  # changes of items in a commit for which people wait: about 2 ms

_read_batch: Final = msgspec.msgpack.Decoder(Batch).decode

logger = logging.getLogger("palate.serve.writer")  # it is run as `__main__`


class Appender(Protocol):
    """What the writer writes to: `palate.features.ingest.Ingest`."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append and apply; acknowledged when it returns."""
        ...

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused."""
        ...

    def settle(self, numbers: Sequence[int]) -> None:
        """Drop dead letters that were replayed."""
        ...


@dataclass(frozen=True, slots=True)
class _Pending:
    peer: _Peer
    batch: Batch
    mixed: bool  # whether it changes items and is not about them alone

    def answer(
        self, appended: list[Appended], *, error: str = "", invalid: bool = False
    ) -> tuple[_Peer, Answer]:
        return self.peer, Answer(self.batch.number, appended, error, invalid)


class Writer:
    """Takes batches from all connections and commits what has come together at once.

    The append runs on the event loop: while it does, further batches gather in the sockets'
    buffers and are read together afterwards, so a busier service commits larger groups.

    What people do goes first, and only few changes of items with it; other changes wait, in their
    order, for a group that is theirs. Of one user's events, and of one item's changes, none ever
    overtakes another.

    Args:
        ingest: Where the events go.
        counters: Commits and the queue's length are noted there.
    """

    def __init__(self, ingest: Appender, counters: Counters) -> None:
        self._ingest = ingest
        self._counters = counters
        self._people: deque[_Pending] = deque()  # and whatever else is not about items alone
        self._items: deque[_Pending] = deque()
        self._items_waited = False  # while the last group was written
        self._queued_events = 0
        self._scheduled = False
        self._failing = False  # whether the last commit could not be written
        self._closed = False

    async def listen(self, path: Path) -> asyncio.Server:
        """Accept connections on the Unix socket `path`, which only this user can open."""
        with suppress(FileNotFoundError):
            path.unlink()
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: _Peer(self), str(path), start_serving=False
        )
        path.chmod(0o600)
        await server.start_serving()
        return server

    def take(self, peer: _Peer, batch: Batch) -> None:
        """Queue a batch; it is committed once everything readable has been read."""
        if self._closed:
            return  # its sender learns that we have gone, and asks the next writer
        about = about_items(batch)
        pending = _Pending(peer, batch, mixed=about == "some")
        if pending.mixed:  # behind all that came before, of either kind
            self._people += self._items
            self._items.clear()
        (self._items if about == "all" else self._people).append(pending)
        self._queued_events += len(batch.events)
        self._counters.set_queue(self._queued_events)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and (self._people or self._items):
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Commit one group and answer its senders."""
        self._scheduled = False
        if self._closed:
            return
        self._commit(self._next_group())
        self._counters.set_queue(self._queued_events)
        self._schedule()

    def _commit(self, group: list[_Pending]) -> None:
        events = [event for pending in group for event in pending.batch.events]
        began = perf_counter()
        try:
            appended = self._ingest.append(events)
            self._beside(group)
        except EventError as error:
            if len(group) == 1:
                self._refused(group[0], str(error))
                return
            for pending in group:  # one of them is bad: the others shall not pay for it
                self._commit([pending])
        except StoreError as error:
            if not self._failing:  # once, not for every batch that comes meanwhile
                logger.error("cannot append, senders are asked to try again: %s", error)
            self._failing = True
            self._counters.commit_failed()
            _send([pending.answer([], error=str(error)) for pending in group])
        else:
            if self._failing:
                logger.info("events are appended again")
            self._failing = False
            self._counters.commit(len(events), perf_counter() - began)
            left = iter(appended)
            _send([p.answer(list(islice(left, len(p.batch.events)))) for p in group])

    def _beside(self, group: list[_Pending]) -> None:
        """Write what the batches of `group` bring beside events."""
        self._ingest.refuse([letter for p in group for letter in p.batch.refused])
        self._ingest.settle([number for p in group for number in p.batch.settled])

    def _refused(self, pending: _Pending, reason: str) -> None:
        """Nothing of a batch is appended; what was refused before it is kept all the same."""
        try:
            self._ingest.refuse(pending.batch.refused)
        except StoreError as error:
            logger.error("cannot keep dead letters: %s", error)
        _send([pending.answer([], error=reason, invalid=True)])

    def close(self) -> None:
        """Commit all that is queued, and take no more."""
        while self._people or self._items:
            self.flush()
        self._closed = True

    def _next_group(self) -> list[_Pending]:
        group = _taken(self._people, GROUP_EVENTS, or_one=True)
        if any(pending.mixed for pending in self._people):
            pass  # no change of an item overtakes those
        elif group:
            group += _taken(self._items, _ITEMS_BESIDE, or_one=self._items_waited)
        else:
            group = _taken(self._items, ITEM_EVENTS, or_one=True)
        self._items_waited = bool(self._items)
        self._queued_events -= sum(len(pending.batch.events) for pending in group)
        return group


def _taken(queue: deque[_Pending], most: int, *, or_one: bool) -> list[_Pending]:
    """The oldest batches of a queue that have up to `most` events; or the oldest alone."""
    taken: list[_Pending] = []
    left = most
    while queue and (left >= len(queue[0].batch.events) or (or_one and not taken)):
        left -= len(queue[0].batch.events)
        taken.append(queue.popleft())
    return taken


def _send(answers: Sequence[tuple[_Peer, Answer]]) -> None:
    """To each peer its own, in one piece."""
    theirs: dict[_Peer, list[Answer]] = {}
    for peer, answer in answers:
        theirs.setdefault(peer, []).append(answer)
    for peer, its in theirs.items():
        peer.send(its)


class _Peer(asyncio.Protocol):
    """One worker's connection."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._reader = FrameReader()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # as of every stream

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            batches = [_read_batch(body) for body in self._reader.feed(data)]
        except (msgspec.DecodeError, StoreError) as error:
            logger.error("a peer on the writer's socket sent what is no batch: %s", error)
            if self._transport is not None:
                self._transport.abort()
            return
        for batch in batches:
            self._writer.take(self, batch)

    def send(self, answers: Sequence[Answer]) -> None:
        """Answer, unless the peer has gone."""
        if self._transport is not None:
            self._transport.write(b"".join(map(frame, answers)))


async def _run(boot: Boot) -> None:
    settings = boot.open_settings()
    layout = Layout(settings.home)
    stop = on_stop()
    if not await until_store_answers(settings, stop):
        return
    ingest = open_ingest(settings.home, settings)
    try:
        writer = Writer(ingest, Counters(layout.counters(boot.name)))
        server = await writer.listen(layout.writer_socket)
        keeping_up = asyncio.gather(
            keep_up(ingest, stop),
            checkpoint(ingest, stop),
            follow(ingest, stop),
            do_chores(ingest, settings, stop),
        )
        gc.collect()
        gc.freeze()  # no later search for garbage walks what has been loaded, for tens of ms
        report_ready(boot)
        await stop.wait()
        server.close()
        writer.close()
        await keeping_up
    finally:
        ingest.close()


def main() -> int:
    """Run the writer process that the supervisor started; its exit code."""
    sys.setswitchinterval(_SWITCH_S)
    return bootstrap(_run)


if __name__ == "__main__":
    sys.exit(main())
