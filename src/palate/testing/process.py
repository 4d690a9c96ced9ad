"""Tests with a second process: run Python there, hear what it says, wait for it, kill it."""

from __future__ import annotations

import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["OtherProcess", "until"]

_PATIENCE_S: Final = 60.0  # a hung test ends; nothing waits this long when all is well
_LOOK_S: Final = 0.01


def until(what: Callable[[], bool]) -> None:
    """Wait for `what`, which another process or thread brings about.

    Raises:
        AssertionError: It did not happen within a minute.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(_LOOK_S)


class OtherProcess:
    """A Python process that runs `source`; killed at the end of the `with` block.

    Args:
        source: Python code. It speaks with `print(..., flush=True)`, and waits with `input()`.
    """

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        self._heard = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def line(self) -> str:
        """The next line that it prints.

        Raises:
            AssertionError: It ended, or said nothing for a minute; the message is its output.
        """
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._heard:
                assert selector.select(_PATIENCE_S), "the other process said nothing"
                more = self._process.stdout.read(65536)
                assert more, f"the other process ended: {self._heard.decode()}"
                self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def say(self, line: str) -> None:
        """Answer its `input()`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def kill(self) -> None:
        """SIGKILL: it has no chance to close or flush anything."""
        self._process.kill()
        self._process.communicate()
