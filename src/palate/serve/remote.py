"""Appending from the command line: through the running service's writer, or by itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, Self

import msgspec

from palate.config import Settings
from palate.errors import EventError, LogError
from palate.events.dead_letters import DeadLetter
from palate.events.identity import complete, now_us
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.features.ingest import open_ingest
from palate.serve.layout import Layout
from palate.serve.lock import running_service
from palate.serve.wire import Answer, Batch, FrameReader, frame
from palate.types import Progress

__all__ = ["Appending", "RemoteIngest", "open_ingest_or_writer"]

_ANSWER_S: Final = 120.0
_WRITER_BACK_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.05


class Appending(Protocol):
    """`Ingest`, or the writer that owns it."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append and apply; acknowledged when it returns."""
        ...

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused."""
        ...

    def settle(self, numbers: Sequence[int]) -> None:
        """Drop dead letters that were replayed, or are wanted no more."""
        ...

    def close(self) -> None:
        """Give files or connection back."""
        ...


class RemoteIngest:
    """Hands batches to the writer of a running service, one at a time.

    When the writer goes away it is waited for, and the batch is sent again: events that the
    first sending wrote are duplicates then.

    Args:
        path: The writer's socket.
        patience_s: How long to wait for a writer that is away, seconds.

    Raises:
        LogError: Nobody listens there for so long.
    """

    def __init__(self, path: Path, *, patience_s: float = _WRITER_BACK_S) -> None:
        self._path = path
        self._patience_s = patience_s
        self._number = 0
        self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in order; acknowledged when it returns. Events without an id get one.

        Raises:
            EventError: An event can never enter the log; nothing was appended.
            LogError: The writer could not write, or does not come back.
        """
        at_us = now_us()
        return self._sent([complete(event, at_us) for event in events], [], [])

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused; errors as `append`."""
        self._sent([], list(letters), [])

    def settle(self, numbers: Sequence[int]) -> None:
        """Drop dead letters that were replayed, or are wanted no more; errors as `append`."""
        self._sent([], [], list(numbers))

    def _sent(
        self, events: list[Event], refused: list[DeadLetter], settled: list[int]
    ) -> list[Appended]:
        self._number += 1
        sent = frame(Batch(self._number, events, refused, settled))
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._socket.sendall(sent)
                answer = self._answer()
                break
            except OSError as error:
                self.close()
                if time.monotonic() > deadline:
                    raise self._away(error) from error
                self._connect()
        if answer.invalid:
            raise EventError(answer.error)
        if answer.error:
            raise LogError(answer.error)
        return answer.appended

    def _connect(self) -> None:
        deadline = time.monotonic() + self._patience_s
        while True:
            self._reader = FrameReader()
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(_ANSWER_S)
            try:
                self._socket.connect(str(self._path))
                return
            except OSError as error:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise self._away(error) from error
                time.sleep(_LOOK_AGAIN_S)

    def _away(self, error: OSError) -> LogError:
        return LogError(
            f"the service's writer at {self._path} does not answer: {error}",
            hint="look at the service's log; typed again, the command skips what is written",
        )

    def _answer(self) -> Answer:
        while True:
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionResetError("connection closed")
            for body in self._reader.feed(data):
                answer = msgspec.msgpack.decode(body, type=Answer)
                if answer.number == self._number:
                    return answer

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def open_ingest_or_writer(settings: Settings, progress: Progress | None = None) -> Appending:
    """Where to append: the running service's writer, or this process where none runs.

    Raises:
        LogError: A service runs but its writer does not come back, or another process owns
            the log.
        StoreError: The log or the state is damaged.
    """
    if running_service(settings.home) is not None:
        return RemoteIngest(Layout(settings.home).writer_socket)
    return open_ingest(settings.home, settings, progress)
