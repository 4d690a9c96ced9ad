"""A worker's connection to the writer: asynchronous, and back by itself when it was lost.

What people do goes to the writer at once. Changes of items go together, some milliseconds later,
where several senders make them: one message, one commit and one answer for all of them. A sender
who waits for each answer before the next change, alone, never waits for company.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec

from palate.errors import EventError, StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.serve.wire import Answer, Batch, FrameReader, about_items, frame

__all__ = ["EventWriter", "WriterAwayError", "WriterClient"]

_FIRST_WAIT_S: Final = 0.02
_LONGEST_WAIT_S: Final = 0.1  # asking a Unix socket costs nothing
_TOGETHER_S: Final = 0.01  # a change of an item waits so long for others, where there are some
_BUSY_S: Final = 0.1  # so long there are, once two were under way at a time
_HELD_BYTES: Final = 1 << 18  # then it waits no longer

_read_answer: Final = msgspec.msgpack.Decoder(Answer).decode

logger = logging.getLogger(__name__)


class WriterAwayError(StoreError):
    """Nothing is known of these events: send them again with the same event ids."""


class EventWriter(Protocol):
    """Where a route hands events over; what it returns is acknowledged."""

    @property
    def connected(self) -> bool:
        """Whether a batch sent now would reach the log."""
        ...

    async def append(
        self, events: Sequence[Event], refused: Sequence[DeadLetter] = ()
    ) -> list[Appended]:
        """Append in order, and keep what was `refused`.

        Raises `WriterAwayError` where the outcome is not known.
        """
        ...


class WriterClient(asyncio.Protocol):
    """An `EventWriter` over the writer's Unix socket.

    Args:
        path: The socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._transport: asyncio.WriteTransport | None = None
        self._made = asyncio.Event()
        self._lost = asyncio.Event()
        self._reader = FrameReader()
        self._waiting: dict[int, asyncio.Future[list[Appended]]] = {}
        self._number = 0
        self._changing: set[int] = set()  # batches about items alone that are not answered yet
        self._held: list[bytes] = []  # those of them that are not sent yet
        self._held_bytes = 0
        self._busy_until = 0.0  # of the loop's clock
        self._sending: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        """Whether a batch sent now would reach the writer."""
        return self._transport is not None

    async def run(self) -> None:
        """Stay connected until cancelled: tries again with doubling waits, at most 0.1 s."""
        loop = asyncio.get_running_loop()
        wait_s = _FIRST_WAIT_S
        try:
            while True:
                try:
                    await loop.create_unix_connection(lambda: self, str(self._path))
                except OSError:
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                    continue
                wait_s = _FIRST_WAIT_S
                await self._lost.wait()
        finally:
            if self._transport is not None:
                self._transport.close()

    async def until_connected(self, timeout_s: float) -> bool:
        """Wait for the connection, at most `timeout_s` seconds; whether it stands."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._made.wait(), timeout_s)
        return self.connected

    async def append(
        self, events: Sequence[Event], refused: Sequence[DeadLetter] = ()
    ) -> list[Appended]:
        """Append in order, keep what was `refused`; acknowledged when it returns.

        Raises:
            EventError: An event can never enter the log; nothing was appended.
            WriterAwayError: The writer is not there, went away meanwhile, or could not write.
        """
        if self._transport is None:
            raise WriterAwayError("the writer of the event log is restarting")
        self._number += 1
        batch = Batch(self._number, list(events), list(refused))
        sent = frame(batch)
        future: asyncio.Future[list[Appended]] = asyncio.get_running_loop().create_future()
        self._waiting[batch.number] = future
        match about_items(batch):
            case "all":
                self._hold(batch.number, sent)
            case "some":  # behind changes of the same items
                self._send_held()
                self._transport.write(sent)
            case "none":
                self._transport.write(sent)
        return await future

    # ------------------------------------------------------------------ changes of items

    def _hold(self, number: int, sent: bytes) -> None:
        """Send a batch that is about items alone, at once or with those to come."""
        loop = asyncio.get_running_loop()
        if self._changing:
            self._busy_until = loop.time() + _BUSY_S
        self._changing.add(number)
        self._held.append(sent)
        self._held_bytes += len(sent)
        if loop.time() >= self._busy_until or self._held_bytes > _HELD_BYTES:
            self._send_held()
        elif self._sending is None:
            self._sending = loop.call_later(_TOGETHER_S, self._send_held)

    def _send_held(self) -> None:
        held = b"".join(self._held)
        self._let_go()
        if self._transport is not None and held:
            self._transport.write(held)

    def _let_go(self) -> None:
        """Hold nothing any more."""
        self._held, self._held_bytes = [], 0
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    # ------------------------------------------------------------------ asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._lost.clear()
        self._made.set()
        self._reader = FrameReader()
        self._transport = cast(asyncio.WriteTransport, transport)  # as of every stream

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: nobody will answer the batches under way."""
        self._transport = None
        self._made.clear()
        self._lost.set()
        self._let_go()  # their senders are told, too
        self._changing.clear()
        self._busy_until = 0.0
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(WriterAwayError("the writer went away before it answered"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        for body in self._reader.feed(data):
            answer = _read_answer(body)
            self._changing.discard(answer.number)
            future = self._waiting.pop(answer.number, None)
            if future is None or future.done():
                continue  # its request was cancelled
            if answer.invalid:
                future.set_exception(EventError(answer.error))
            elif answer.error:
                future.set_exception(WriterAwayError(answer.error))
            else:
                future.set_result(answer.appended)
