"""Counters of one process in a small mapped file, so that any worker can sum them all.

A file is a header and float64 cells; only its owner writes, anyone may read. A restarted
process goes on where its predecessor stopped, so counters never go back.
"""

from __future__ import annotations

import hashlib
import mmap
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from palate.types import Verdict

__all__ = [
    "BUCKETS_S",
    "CELLS",
    "EVENTS",
    "LATENCY",
    "REQUESTS",
    "ROUTES",
    "STATUSES",
    "Counters",
    "read_cells",
]

ROUTES: Final = (
    "recommendations", "events", "items", "item", "similar", "popular", "user", "releases",
    "healthz", "readyz", "metrics", "openapi", "none",
)  # fmt: skip
STATUSES: Final = (200, 400, 401, 404, 405, 409, 413, 415, 422, 500, 503)
BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_VERDICTS: Final = tuple(Verdict)

# Cells in file order. A histogram owns one cell a bucket, one beyond the last, and its sum.
REQUESTS: Final = 0
LATENCY: Final = REQUESTS + len(ROUTES) * len(STATUSES)
LATENCY_CELLS: Final = len(BUCKETS_S) + 2
EVENTS: Final = LATENCY + len(ROUTES) * LATENCY_CELLS
_SINGLE: Final = EVENTS + len(_VERDICTS)
CELLS: Final[dict[str, int]] = {
    name: _SINGLE + at
    for at, name in enumerate(
        ("degraded", "swaps", "refused", "commits", "committed_events", "queue")
    )
}
_N_CELLS: Final = _SINGLE + len(CELLS)
_HEADER: Final = hashlib.sha256(
    repr((ROUTES, STATUSES, BUCKETS_S, _VERDICTS, tuple(CELLS))).encode()
).digest()[:16]
_ROUTE_AT: Final = {name: at for at, name in enumerate(ROUTES)}
_STATUS_AT: Final = {status: at for at, status in enumerate(STATUSES)}
_VERDICT_AT: Final = {verdict: at for at, verdict in enumerate(_VERDICTS)}


class Counters:
    """The counters that this process adds to.

    Args:
        path: Its file; made where it is missing or of another version.
    """

    def __init__(self, path: Path) -> None:
        size = len(_HEADER) + 8 * _N_CELLS
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.stat().st_size != size or _header(path) != _HEADER:
            path.write_bytes(_HEADER + bytes(8 * _N_CELLS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._cells = memoryview(self._map)[len(_HEADER) :].cast("d")

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request was answered, with one of `STATUSES`."""
        cells = self._cells
        row = _ROUTE_AT[route]
        column = _STATUS_AT[status]
        cells[REQUESTS + row * len(STATUSES) + column] += 1.0
        first = LATENCY + row * LATENCY_CELLS
        cells[first + bisect_left(BUCKETS_S, seconds)] += 1.0
        cells[first + LATENCY_CELLS - 1] += seconds

    def events(self, verdict: Verdict, n: int) -> None:
        """`n` posted events got `verdict`."""
        self._cells[EVENTS + _VERDICT_AT[verdict]] += n

    def degraded(self) -> None:
        """A request was answered without the model that it should have had."""
        self._cells[CELLS["degraded"]] += 1.0

    def swapped(self) -> None:
        """An alias was followed to another release."""
        self._cells[CELLS["swaps"]] += 1.0

    def refused(self) -> None:
        """A bundle could not be loaded; the release before it stays."""
        self._cells[CELLS["refused"]] += 1.0

    def commit(self, n_events: int) -> None:
        """The writer committed one group."""
        self._cells[CELLS["commits"]] += 1.0
        self._cells[CELLS["committed_events"]] += n_events

    def set_queue(self, n_events: int) -> None:
        """The writer has so many events before it."""
        self._cells[CELLS["queue"]] = n_events

    def close(self) -> None:
        """Give the mapping back."""
        self._cells.release()
        self._map.close()


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_HEADER))


def read_cells(files: Iterable[Path]) -> list[float]:
    """The sum of all cells over the files of several processes; other files are left out."""
    total = [0.0] * _N_CELLS
    for path in files:
        data = path.read_bytes()
        if len(data) == len(_HEADER) + 8 * _N_CELLS and data.startswith(_HEADER):
            cells = memoryview(data)[len(_HEADER) :].cast("d")
            total = [a + b for a, b in zip(total, cells, strict=True)]
    return total
