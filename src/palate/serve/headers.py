"""Headers that every answer carries: browsers are told not to guess, frame, keep or pass on."""

from __future__ import annotations

from typing import Final

from starlette.types import Message

__all__ = ["PREFLIGHT", "SECURITY", "add_headers"]

SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),  # answers are about people, or change within a second
)
"""On every answer."""

PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "authorization, content-type, x-request-id",
    "access-control-max-age": "600",
}
"""On the answer to a browser that asks for leave."""


def add_headers(message: Message, origin: str | None) -> None:
    """Add to a response's start, in place.

    Args:
        message: `http.response.start`.
        origin: Pages of this origin may read the answer. Never a wildcard, and never together
            with credentials that a browser adds by itself.
    """
    headers = [*message.get("headers", ()), *SECURITY]
    if origin is not None:
        headers += (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"retry-after, x-request-id"),
            (b"vary", b"origin"),
        )
    message["headers"] = headers
