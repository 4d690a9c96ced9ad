"""Where the processes of one service meet: the files under `home/run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of a running service, all of them below `home`."""

    home: Path

    @property
    def run(self) -> Path:
        """What lives only while a service runs."""
        return self.home / "run"

    @property
    def writer_socket(self) -> Path:
        """The writer's Unix socket, mode 0600."""
        return self.run / "writer.sock"

    @property
    def lock(self) -> Path:
        """Locked by the service that uses this home; holds its process id and URL."""
        return self.run / "service.lock"

    @property
    def counters_folder(self) -> Path:
        """One file of counters a process."""
        return self.run / "counters"

    def counters(self, process: str) -> Path:
        """The counters of one process: `writer`, `worker-0`."""
        return self.counters_folder / f"{process}.bin"

    @property
    def rates(self) -> Path:
        """How full the bucket of each key is."""
        return self.run / "rates.bin"

    @property
    def loads(self) -> Path:
        """How many connections each worker holds."""
        return self.run / "loads.bin"
