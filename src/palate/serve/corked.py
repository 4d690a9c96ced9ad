"""A transport that sends what is written within one turn of the event loop in one piece.

uvicorn writes the head and the body of an answer apart, and the loop hands each to the kernel at
once: two system calls here and two packets, for which a client wakes up twice.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

__all__ = ["CorkedTransport"]

_MOST_BYTES: Final = 64 << 10  # held back; beyond, the transport beneath says when to pause


class CorkedTransport(asyncio.Transport):
    """Another transport, whose writes wait for the end of this turn of the loop.

    Args:
        beneath: Sends.
        loop: Whose turns count.
    """

    def __init__(self, beneath: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._beneath = beneath
        self._loop = loop
        self._held: list[bytes | bytearray | memoryview] = []
        self._n_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send soon."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._n_bytes += len(data)
        if self._n_bytes > _MOST_BYTES:
            self._send()

    def close(self) -> None:
        """Send what is held, and close."""
        self._send()
        self._beneath.close()

    def abort(self) -> None:
        """Close at once; what is held is lost."""
        self._held, self._n_bytes = [], 0
        self._beneath.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._beneath.is_closing()

    def pause_reading(self) -> None:
        """As the transport beneath."""
        self._beneath.pause_reading()

    def resume_reading(self) -> None:
        """As the transport beneath."""
        self._beneath.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the transport beneath."""
        return self._beneath.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As the transport beneath."""
        self._beneath.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As the transport beneath."""
        return self._beneath.get_protocol()

    def _send(self) -> None:
        if not self._held:
            return
        held, self._held, self._n_bytes = self._held, [], 0
        if not self._beneath.is_closing():
            self._beneath.writelines(held)
