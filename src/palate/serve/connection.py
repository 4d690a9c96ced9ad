"""One client's connection: as uvicorn's, but with a time and a size for a request's head.

Answers go out in one piece each (`corked.py`).

uvicorn ends connections that idle between two requests, and no others: a client that never sends
the rest of a request's head would keep its connection, and the memory for what it sent.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from palate.serve.corked import CorkedTransport

__all__ = ["HEAD_S", "MAX_HEAD_BYTES", "Connection"]

HEAD_S: Final = 10.0  # from the first byte of a request's head, or the connection, to its end
MAX_HEAD_BYTES: Final = 64 << 10
_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with a time and a size for the head of each request."""

    head_s: float = HEAD_S

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._in_head = True
        self._begun = False  # whether a head has begun that has not ended
        self._head_bytes = 0
        self._moved = False  # whether what came last began or ended a request
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # uvicorn takes no other transport either
        self, transport: asyncio.Transport
    ) -> None:
        """Called by the loop."""
        super().connection_made(CorkedTransport(transport, self.loop))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._in_head:
            self._head_bytes += len(data)
        self._moved = False
        super().data_received(data)  # ends the wait for the next request, whatever came
        if self._in_head and self._head_timer is None and (self._begun or not self._moved):
            self._arm()  # line breaks between two requests begin none; most heads come whole
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._moved = self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._in_head = self._begun = False
        self._head_bytes = 0
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._in_head = self._moved = True
        super().on_message_complete()

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(self.head_s, self._too_slow)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._arm()  # the request before is still being answered: let it end
        elif not self.transport.is_closing():
            self.transport.close()
