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


class Appending(Protocol):
    """`Ingest`, or the writer that owns it."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append and apply; acknowledged when it returns."""
        ...

    def close(self) -> None:
        """Give files or connection back."""
        ...


class RemoteIngest:
    """Hands batches to the writer of a running service, one at a time.

    Args:
        path: The writer's socket.

    Raises:
        OSError: Nobody listens there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = FrameReader()
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_ANSWER_S)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in order; acknowledged when it returns.

        Raises:
            EventError: An event can never enter the log; nothing was appended.
            LogError: The writer went away or could not write; the same events may be sent
                again, those that were written are duplicates then.
        """
        self._number += 1
        try:
            self._socket.sendall(frame(Batch(self._number, list(events))))
            answer = self._answer()
        except OSError as error:
            raise LogError(
                f"the service's writer at {self._path} went away: {error}",
                hint="type the command again: what was written already is skipped",
            ) from error
        if answer.invalid:
            raise EventError(answer.error)
        if answer.error:
            raise LogError(answer.error)
        return answer.appended

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
    path = Layout(settings.home).writer_socket
    deadline = time.monotonic() + _WRITER_BACK_S
    while running_service(settings.home) is not None:
        try:
            return RemoteIngest(path)
        except OSError as error:
            if time.monotonic() > deadline:
                raise LogError(
                    f"a service runs on {settings.home}, but its writer does not answer: {error}",
                    hint="look at the service's log",
                ) from error
            time.sleep(0.05)
    return open_ingest(settings.home, settings, progress)
