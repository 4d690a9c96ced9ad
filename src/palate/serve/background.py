"""The whole service as a child of this process: for the demo, tests and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from palate.config import Settings
from palate.errors import StoreError
from palate.serve.child import Boot, Report
from palate.serve.keeper import ChildError
from palate.serve.lock import running_service

__all__ = ["BackgroundService"]

_STOP_S: Final = 20.0  # beside what the settings give to requests under way


class BackgroundService:
    """`palate serve` in the background; use it as a context.

    Args:
        settings: All settings; `[serve] port` 0 takes any free one.
        log: A file that gets the service's log; our own standard error by default.

    Raises:
        ChildError: It could not start; in its own words.
    """

    def __init__(self, settings: Settings, log: Path | None = None) -> None:
        self._settings = settings
        self._log: IO[bytes] | None = None if log is None else log.open("ab")
        read, write = os.pipe()
        with os.fdopen(read, "rb") as reports:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "palate.serve.supervisor"],
                    stdin=subprocess.PIPE,
                    stderr=self._log,
                    pass_fds=(write,),
                    start_new_session=True,
                )
            finally:
                os.close(write)
            assert self._process.stdin is not None
            boot = Boot(name="supervisor", settings=settings.model_dump_json(), report_fd=write)
            self._process.stdin.write(msgspec.json.encode(boot) + b"\n")
            self._process.stdin.flush()
            line = reports.readline()
        report = msgspec.json.decode(line, type=Report) if line else Report()
        running = running_service(settings.home)
        if not report.ready or running is None:
            self.stop()
            raise ChildError(report.error or "the service ended at once", hint=report.hint)
        self.url: str = running.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def stop(self) -> int:
        """End the service once its requests are answered; its exit code.

        Raises:
            StoreError: It did not end in time, and was killed.
        """
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            serve = self._settings.serve
            return self._process.wait(serve.drain_notice_s + 2 * serve.drain_timeout_s + _STOP_S)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.wait()
            raise StoreError("the service did not end in time and was killed") from error
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self._log is not None:
                self._log.close()
