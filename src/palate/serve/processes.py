"""What the operating system says of the service's processes: memory, time, open files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from palate.serve.counters import CELLS, read_cells

__all__ = ["Process", "read_processes"]

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the service that lives now.

    Attributes:
        name: `writer`, `worker-0`.
        pid: Its process id.
        starts: How often a process of that name was started on this home.
        started_at: When this one was, seconds since 1970.
        resident_bytes: Memory that it holds; 0 where the system has no `/proc`.
        cpu_s: Processor time that it took; 0 likewise.
        open_files: Its descriptors; 0 likewise, and where they are another user's.
    """

    name: str
    pid: int
    starts: int
    started_at: float
    resident_bytes: int
    cpu_s: float
    open_files: int


def read_processes(folder: Path) -> list[Process]:
    """The processes that have counters in `folder` and live, by name."""
    found = []
    for path in sorted(folder.glob("*.bin")):
        cells = read_cells([path])
        pid = int(cells[CELLS["pid"]])
        if pid and _lives(pid):
            starts, started_at = int(cells[CELLS["starts"]]), cells[CELLS["started_at"]]
            found.append(Process(path.stem, pid, starts, started_at, *_used(pid)))
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user, so it lives
        return True
    return True


def _used(pid: int) -> tuple[int, float, int]:
    """Resident bytes, CPU seconds, open files."""
    own = _PROC / str(pid)
    try:
        fields = (own / "stat").read_text().rpartition(")")[2].split()
        resident = int((own / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        ticks = int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
        files = sum(1 for _ in (own / "fd").iterdir())
    except OSError:  # no /proc here, it ended just now, or it is not ours to look at
        return 0, 0.0, 0
    return resident, ticks / os.sysconf("SC_CLK_TCK"), files
