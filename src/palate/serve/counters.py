"""Counters of one process in a small mapped file, so that any worker can sum them all.

A file is a header and float64 cells; only its owner writes, anyone may read. A restarted
process goes on where its predecessor stopped, so counters never go back; what is a state and
no count begins anew.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from palate.types import Verdict

__all__ = [
    "BUCKETS_S",
    "CELLS",
    "COMMITS",
    "EVENTS",
    "HISTOGRAM_CELLS",
    "LATENCY",
    "OTHER_STATUS",
    "REQUESTS",
    "ROUTES",
    "STATUSES",
    "Counters",
    "read_cells",
    "reset_states",
]

ROUTES: Final = (
    "recommendations", "rank", "search", "surfaces",
    "events", "items", "item", "similar", "popular", "user", "profile",
    "identify", "privacy", "releases",
    "healthz", "startupz", "readyz", "metrics", "openapi", "none",
)  # fmt: skip
OTHER_STATUS: Final = 0
STATUSES: Final = (
    200, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 422, 429, 500, 503,
    OTHER_STATUS,
)  # fmt: skip
BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_VERDICTS: Final = tuple(Verdict)

# Cells in file order. A histogram owns one cell a bucket, one beyond the last, and its sum.
HISTOGRAM_CELLS: Final = len(BUCKETS_S) + 2
REQUESTS: Final = 0
LATENCY: Final = REQUESTS + len(ROUTES) * len(STATUSES)
EVENTS: Final = LATENCY + len(ROUTES) * HISTOGRAM_CELLS
COMMITS: Final = EVENTS + len(_VERDICTS)
_SINGLE: Final = COMMITS + HISTOGRAM_CELLS
_STATES: Final = ("queue", "in_progress", "pid", "started_at")  # of a process while it lives
CELLS: Final[dict[str, int]] = {
    name: _SINGLE + at
    for at, name in enumerate(
        ("degraded", "swaps", "refused", "commits", "committed_events", "failed_commits",
         "served", "served_written", "served_lost", "letters_lost", "snapshots_refused", "starts",
         *_STATES)
    )
}  # fmt: skip
_N_CELLS: Final = _SINGLE + len(CELLS)
_HEADER: Final = hashlib.sha256(
    repr((ROUTES, STATUSES, BUCKETS_S, _VERDICTS, tuple(CELLS))).encode()
).digest()[:16]
_SIZE: Final = len(_HEADER) + 8 * _N_CELLS
_ROUTE_AT: Final = {name: at for at, name in enumerate(ROUTES)}
_STATUS_AT: Final = {status: at for at, status in enumerate(STATUSES)}
_VERDICT_AT: Final = {verdict: at for at, verdict in enumerate(_VERDICTS)}
_OTHER_AT: Final = _STATUS_AT[OTHER_STATUS]
_IN_PROGRESS: Final = CELLS["in_progress"]


class Counters:
    """The counters that this process adds to.

    Args:
        path: Its file; made where it is missing or of another version.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _is_ours(path):
            path.write_bytes(_HEADER + bytes(8 * _N_CELLS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._cells = memoryview(self._map)[len(_HEADER) :].cast("d")
        _forget_states(self._cells)
        self._cells[CELLS["starts"]] += 1.0
        self._cells[CELLS["pid"]] = os.getpid()
        self._cells[CELLS["started_at"]] = time.time()

    def begin(self) -> None:
        """A request is being answered."""
        self._cells[_IN_PROGRESS] += 1.0

    def request(self, route: str, status: int, seconds: float) -> None:
        """The answer to a request that was begun has gone out.

        Args:
            route: One of `ROUTES`.
            status: Of HTTP; those beyond `STATUSES` are counted together.
            seconds: From its head read to its end sent.
        """
        cells = self._cells
        cells[_IN_PROGRESS] -= 1.0
        row = _ROUTE_AT[route]
        column = _STATUS_AT.get(status, _OTHER_AT)
        cells[REQUESTS + row * len(STATUSES) + column] += 1.0
        self._observe(LATENCY + row * HISTOGRAM_CELLS, seconds)

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

    def snapshot_refused(self) -> None:
        """A snapshot of an index was not taken; the one before it stays."""
        self._cells[CELLS["snapshots_refused"]] += 1.0

    def commit(self, n_events: int, seconds: float) -> None:
        """The writer committed one group, which took so long."""
        self._cells[CELLS["commits"]] += 1.0
        self._cells[CELLS["committed_events"]] += n_events
        self._observe(COMMITS, seconds)

    def commit_failed(self) -> None:
        """The writer could not write a group; nothing of it was acknowledged."""
        self._cells[CELLS["failed_commits"]] += 1.0

    def served_taken(self) -> None:
        """A slate was answered and waits to be logged."""
        self._cells[CELLS["served"]] += 1.0

    def served_written(self, n: int) -> None:
        """`n` slates are in the log."""
        self._cells[CELLS["served_written"]] += n

    def served_lost(self, n: int) -> None:
        """`n` slates will never be."""
        self._cells[CELLS["served_lost"]] += n

    def served_lost_by_a_kill(self) -> None:
        """At the start: what the process before this one had not handed over is lost."""
        cells = self._cells
        gone = cells[CELLS["served"]] - cells[CELLS["served_written"]]
        cells[CELLS["served_lost"]] = gone

    def letters_lost(self, n: int) -> None:
        """`n` refused events were not kept: the writer was away for too long."""
        self._cells[CELLS["letters_lost"]] += n

    def set_queue(self, n_events: int) -> None:
        """The writer has so many events before it."""
        self._cells[CELLS["queue"]] = n_events

    def close(self) -> None:
        """Give the mapping back; this process is no more."""
        _forget_states(self._cells)
        self._cells.release()
        self._map.close()

    def _observe(self, histogram: int, seconds: float) -> None:
        self._cells[histogram + bisect_left(BUCKETS_S, seconds)] += 1.0
        self._cells[histogram + HISTOGRAM_CELLS - 1] += seconds


def read_cells(files: Iterable[Path]) -> list[float]:
    """The sum of all cells over the files of several processes; other files are left out."""
    total = [0.0] * _N_CELLS
    for path in files:
        data = path.read_bytes()
        if len(data) == _SIZE and data.startswith(_HEADER):
            cells = memoryview(data)[len(_HEADER) :].cast("d")
            total = [a + b for a, b in zip(total, cells, strict=True)]
    return total


def reset_states(folder: Path) -> None:
    """Forget what processes that were killed left behind as their state, before new ones start."""
    for path in folder.glob("*.bin"):
        if _is_ours(path):
            with path.open("r+b") as file, mmap.mmap(file.fileno(), _SIZE) as whole:
                cells = memoryview(whole)[len(_HEADER) :].cast("d")
                _forget_states(cells)
                cells.release()


def _forget_states(cells: memoryview[float]) -> None:
    for name in _STATES:
        cells[CELLS[name]] = 0.0


def _is_ours(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != _SIZE:
        return False
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER
