"""Where a request's time goes: spans, which cost next to nothing while no tracer is installed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol

__all__ = ["Span", "Tracer", "current_span", "install", "request_span", "span"]


class Span(Protocol):
    """Something that took time, with what is known of it."""

    def note(self, name: str, value: str | float) -> None:
        """Add an attribute."""
        ...

    def end_request(self, name: str, status: int) -> None:
        """Say what the request was, and how it ended; for spans of requests."""
        ...

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits; empty where it is not recorded."""
        ...


class Tracer(Protocol):
    """Makes spans and brings them somewhere."""

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """A span for a whole request; `headers` may name the caller's (W3C `traceparent`)."""
        ...

    def span(self, name: str) -> AbstractContextManager[Span]:
        """A span within the one that is open here."""
        ...

    def current(self) -> Span:
        """The one that is open here."""
        ...

    def close(self) -> None:
        """Send what was not sent yet, within a bounded time."""
        ...


class _Untraced:
    """A span that is not recorded, and the tracer that makes only such."""

    trace_id: Final = ""

    def note(self, name: str, value: str | float) -> None:
        pass

    def end_request(self, name: str, status: int) -> None:
        pass

    def request(self, headers: Mapping[str, str]) -> _Untraced:
        return self

    def span(self, name: str) -> _Untraced:
        return self

    def current(self) -> _Untraced:
        return self

    def close(self) -> None:
        pass

    def __enter__(self) -> _Untraced:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_UNTRACED: Final = _Untraced()
_installed: Tracer = _UNTRACED  # one a process, as the loggers are


def install(tracer: Tracer | None) -> None:
    """Let spans of this process go to `tracer` from now on; None stops that."""
    global _installed
    _installed = _UNTRACED if tracer is None else tracer


def request_span(headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """Open a request's span."""
    return _installed.request(headers)


def span(name: str) -> AbstractContextManager[Span]:
    """Open a span within the one that is open here."""
    return _installed.span(name)


def current_span() -> Span:
    """The span that is open here."""
    return _installed.current()
