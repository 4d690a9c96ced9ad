"""The whole service in this process, for tests: real log, state and releases, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from palate.config import Settings
from palate.errors import StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.features.ingest import Ingest, open_ingest
from palate.serve.app import Service
from palate.serve.client import WriterAwayError
from palate.serve.context import Context
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.worker import open_context

__all__ = ["Answered", "DirectWriter", "InProcessService"]


class DirectWriter:
    """An `EventWriter` over an `Ingest` in this process; `connected = False` plays its absence."""

    def __init__(self, ingest: Ingest) -> None:
        self.connected = True
        self._ingest = ingest

    async def append(
        self, events: Sequence[Event], refused: Sequence[DeadLetter] = ()
    ) -> list[Appended]:
        """Append, or raise `WriterAwayError` while it plays absent, or cannot write."""
        if not self.connected:
            raise WriterAwayError("the writer is away")
        try:
            self._ingest.refuse(refused)
            return self._ingest.append(events)
        except StoreError as error:  # its own process says so in an answer
            raise WriterAwayError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answered:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class InProcessService:
    """A worker's application beside the writer's ingest; use it as a context.

    Args:
        settings: Whose `home` has, or gets, log, state and releases.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened = ExitStack()
        self.ingest: Ingest
        self.writer: DirectWriter
        self.context: Context
        self.app: Service

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self.ingest = opened.enter_context(open_ingest(self.settings.home, self.settings))
            self.writer = DirectWriter(self.ingest)
            counters = Counters(Layout(self.settings.home).counters("worker-0"))
            opened.callback(counters.close)
            self.context = opened.enter_context(
                open_context(self.settings, self.writer, counters, Lifecycle(started=True))
            )
            self.app = Service(self.context)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request, from its head to its end.

        Args:
            method: `GET`.
            path: As on the wire: percent-encoded, with its query.
            body: Bytes as they are, or anything else as JSON; sent as `application/json`.
            headers: Lower-case names; they replace the ones above.
        """
        raw = b"" if body is None else body if isinstance(body, bytes) else _encoded(body)
        sent = {"host": "127.0.0.1"}
        if body is not None:
            sent |= {"content-type": "application/json", "content-length": str(len(raw))}
        sent |= dict(headers or {})
        return asyncio.run(_call(self.app, _scope(method, path, sent), raw))


def _encoded(body: Any) -> bytes:
    return msgspec.json.encode(body)


def _scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    where, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


async def _call(app: Service, scope: dict[str, Any], body: bytes) -> Answered:
    start: dict[str, Any] = {}
    received = bytearray()
    parts = [body[:7], body[7:]]  # in two, as a network would

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            received.extend(message.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], headers, bytes(received))
