"""A worker's connection to the writer: asynchronous, and back by itself when it was lost."""

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
from palate.serve.wire import Answer, Batch, FrameReader, frame

__all__ = ["EventWriter", "WriterAwayError", "WriterClient"]

_FIRST_WAIT_S: Final = 0.02
_LONGEST_WAIT_S: Final = 0.1  # asking a Unix socket costs nothing

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
        future: asyncio.Future[list[Appended]] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = future
        self._transport.write(frame(Batch(self._number, list(events), list(refused))))
        return await future

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
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(WriterAwayError("the writer went away before it answered"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        for body in self._reader.feed(data):
            answer = msgspec.msgpack.decode(body, type=Answer)
            future = self._waiting.pop(answer.number, None)
            if future is None or future.done():
                continue  # its request was cancelled
            if answer.invalid:
                future.set_exception(EventError(answer.error))
            elif answer.error:
                future.set_exception(WriterAwayError(answer.error))
            else:
                future.set_result(answer.appended)
