"""What the service's processes log: one line an entry, JSON or text, on standard error.

A line is one write, so those of several processes on one pipe do not mix. Paths stand as their
templates and bodies not at all: no id of a user or an item, and no key, comes into a log.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from palate.config import ObserveSettings

__all__ = ["REQUEST_ID", "TRACE_ID", "Line", "RequestLog", "configure_logs"]

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
TRACE_ID: Final[ContextVar[str]] = ContextVar("trace_id", default="")

_STDERR: Final = 2
_REQUESTS: Final = "palate.requests"
_FAILED: Final = 500

_process = ""  # of `configure_logs`: one a process, as logging itself


class Line(msgspec.Struct, omit_defaults=True):
    """One entry; what does not apply is left out.

    Attributes:
        time: ISO 8601, UTC, milliseconds.
        level: `info`.
        logger: `palate.serve.worker`.
        process: `worker-0`, `writer`, `supervisor`.
        pid: Its process id.
        message: In words.
        request_id: Of the request that was being answered.
        trace_id: Of its trace, 32 hexadecimal digits, where it is traced.
        route: As the metrics name it.
        status: Of the answer.
        seconds: It took.
        exception: The traceback.
    """

    time: str
    level: str
    logger: str
    process: str
    pid: int
    message: str
    request_id: str = ""
    trace_id: str = ""
    route: str = ""
    status: int = 0
    seconds: float = 0.0
    exception: str = ""


_encode = msgspec.json.Encoder().encode


def configure_logs(settings: ObserveSettings, process: str) -> None:
    """Send all that this process logs to standard error, as the settings say.

    Args:
        settings: `[observe]`.
        process: How this one calls itself.
    """
    global _process
    _process = process
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(_Lines(as_json=_as_json(settings)))
    root.setLevel(settings.log_level.upper())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


class RequestLog:
    """A line for each request, or for those that failed.

    Args:
        settings: `[observe]`.
    """

    def __init__(self, settings: ObserveSettings) -> None:
        self._json = _as_json(settings)
        level = logging.getLevelNamesMapping()[settings.log_level.upper()]
        self._all = settings.log_requests == "all" and level <= logging.INFO
        self._failed = settings.log_requests != "none" and level <= logging.WARNING
        self._pid = os.getpid()

    def write(self, message: str, route: str, status: int, seconds: float) -> None:
        """One request was answered.

        Args:
            message: Method and path, as a template.
            route: As the metrics name it.
            status: Of the answer.
            seconds: It took.
        """
        failed = status >= _FAILED
        if not (self._failed if failed else self._all):
            return
        line = Line(
            time=_now(),
            level="warning" if failed else "info",
            logger=_REQUESTS,
            process=_process,
            pid=self._pid,
            message=message,
            request_id=REQUEST_ID.get(),
            trace_id=TRACE_ID.get(),
            route=route,
            status=status,
            seconds=round(seconds, 6),
        )
        _write(_encode(line) if self._json else _text(line))


class _Lines(logging.Handler):
    """Each record as one line, and as one write."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._json = as_json
        self._tracebacks = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        line = Line(
            time=_iso(record.created),
            level=record.levelname.lower(),
            logger=record.name,
            process=_process,
            pid=record.process or 0,
            message=record.getMessage(),
            request_id=REQUEST_ID.get(),
            trace_id=TRACE_ID.get(),
            exception=(
                self._tracebacks.formatException(record.exc_info) if record.exc_info else ""
            ),
        )
        _write(_encode(line) if self._json else _text(line))


def _text(line: Line) -> bytes:
    """For people: the same in another order."""
    parts = [line.time, line.process or str(line.pid), line.level.upper(), line.message]
    if line.status:
        parts.append(f"{line.status} in {1e3 * line.seconds:.1f} ms")
    if line.request_id:
        parts.append(f"[{line.request_id}]")
    text = " ".join(parts).replace("\n", "\\n")
    return (f"{text}\n{line.exception}" if line.exception else text).encode("utf-8", "replace")


def _write(line: bytes) -> None:
    # A full disk or a reader that has gone is no reason to stop answering, and there is no
    # other place to say so.
    with suppress(OSError):
        os.write(_STDERR, line + b"\n")


def _as_json(settings: ObserveSettings) -> bool:
    if settings.log_format == "auto":
        return not sys.stderr.isatty()
    return settings.log_format == "json"


def _now() -> str:
    second, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_to_the_second(second)}.{milliseconds:03}+00:00"


@lru_cache(maxsize=1)  # a second has many requests
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
