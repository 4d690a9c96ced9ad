"""The figures of all processes as Prometheus text, version 0.0.4.

Names follow Prometheus' conventions: a unit at the end, `_total` for what only grows. Labels
are bounded: routes, statuses, verdicts, processes, aliases and consumer groups; never an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Final

from palate import __version__
from palate.serve.counters import (
    BUCKETS_S,
    CELLS,
    COMMITS,
    EVENTS,
    HISTOGRAM_CELLS,
    LATENCY,
    OTHER_STATUS,
    REQUESTS,
    ROUTES,
    STATUSES,
    read_cells,
)
from palate.serve.processes import Process, read_processes
from palate.serve.standing import Standing
from palate.types import Verdict

__all__ = ["MEDIA_TYPE", "MOST_GROUPS", "exposition"]

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MOST_GROUPS: Final = 100  # consumer groups with a figure of their own: those furthest behind

_SINGLE: Final = (
    ("degraded", "palate_degraded_total", "counter", "Answers given without the asked model."),
    ("swaps", "palate_alias_swaps_total", "counter", "Releases taken up, over all workers."),
    ("refused", "palate_bundles_refused_total", "counter", "Loads of a bundle that failed."),
    (
        "snapshots_refused",
        "palate_snapshots_refused_total",
        "counter",
        "Snapshots of an index that a worker did not take: damaged, or unlike the one before.",
    ),
    ("commits", "palate_writer_commits_total", "counter", "Groups committed by the writer."),
    (
        "committed_events",
        "palate_writer_events_total",
        "counter",
        "Events in those groups, duplicates included.",
    ),
    (
        "failed_commits",
        "palate_writer_failures_total",
        "counter",
        "Groups that the writer could not write; none of their events was acknowledged.",
    ),
    ("served", "palate_slates_total", "counter", "Slates answered that are to be logged."),
    ("served_written", "palate_slates_logged_total", "counter", "Slates that are in the log."),
    (
        "served_lost",
        "palate_slates_lost_total",
        "counter",
        "Slates that never will be: a worker was killed, or the writer was away too long.",
    ),
    (
        "letters_lost",
        "palate_dead_letters_lost_total",
        "counter",
        "Refused events that were not kept: the writer was away too long.",
    ),
    ("queue", "palate_writer_queue_events", "gauge", "Events waiting for the writer."),
    ("in_progress", "palate_requests_in_progress", "gauge", "Requests being answered now."),
)
_OF_PROCESSES: Final = (
    ("palate_process_starts_total", "counter", "Starts of a process of this name on this home."),
    ("palate_process_start_time_seconds", "gauge", "When it started, since 1970."),
    ("palate_process_resident_memory_bytes", "gauge", "Memory that it holds."),
    ("palate_process_cpu_seconds_total", "counter", "Processor time that it took."),
    ("palate_process_open_fds", "gauge", "File descriptors that it holds."),
)


def exposition(
    folder: Path,
    releases: Mapping[str, str],
    *,
    connections: int = 0,
    standing: Standing | None = None,
) -> str:
    """Prometheus text over all counter files in `folder`.

    Args:
        folder: Where each process keeps its file.
        releases: Alias to the release that this worker answers with.
        connections: Open ones, of all workers.
        standing: Of log, state and groups; None where they cannot be read.
    """
    cells = read_cells(sorted(folder.glob("*.bin")))
    lines = [
        *_requests(cells),
        *_events(cells),
        *_singles(cells),
        *_gauge("palate_connections", "Open client connections.", connections),
        *_processes(read_processes(folder)),
        *([] if standing is None else _standing(standing)),
        *_releases(releases),
    ]
    return "\n".join(lines) + "\n"


def _requests(cells: list[float]) -> Iterator[str]:
    yield from _head("palate_requests_total", "counter", "Requests answered.")
    for row, route in enumerate(ROUTES):
        for column, status in enumerate(STATUSES):
            n = cells[REQUESTS + row * len(STATUSES) + column]
            if n:
                shown = "other" if status == OTHER_STATUS else status
                yield f'palate_requests_total{{route="{route}",status="{shown}"}} {n:.0f}'
    name = "palate_request_seconds"
    yield from _head(name, "histogram", "From the head read to the end sent.")
    for row, route in enumerate(ROUTES):
        first = LATENCY + row * HISTOGRAM_CELLS
        if any(cells[first : first + HISTOGRAM_CELLS - 1]):
            yield from _histogram(name, cells, first, f'route="{route}"')


def _events(cells: list[float]) -> Iterator[str]:
    yield from _head("palate_events_total", "counter", "Events posted, by verdict.")
    for at, verdict in enumerate(Verdict):
        yield f'palate_events_total{{verdict="{verdict}"}} {cells[EVENTS + at]:.0f}'


def _singles(cells: list[float]) -> Iterator[str]:
    for cell, name, kind, text in _SINGLE:
        yield from _head(name, kind, text)
        yield f"{name} {cells[CELLS[cell]]:.0f}"
    name = "palate_writer_commit_seconds"
    yield from _head(name, "histogram", "One group written to log and state.")
    yield from _histogram(name, cells, COMMITS, "")


def _histogram(name: str, cells: list[float], first: int, label: str) -> Iterator[str]:
    counts = list(accumulate(cells[first : first + HISTOGRAM_CELLS - 1]))
    before = f"{label}," if label else ""
    alone = f"{{{label}}}" if label else ""
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
        yield f'{name}_bucket{{{before}le="{bound}"}} {count:.0f}'
    yield f"{name}_sum{alone} {cells[first + HISTOGRAM_CELLS - 1]:.6f}"
    yield f"{name}_count{alone} {counts[-1]:.0f}"


def _processes(processes: Iterable[Process]) -> Iterator[str]:
    found = list(processes)
    for at, (name, kind, text) in enumerate(_OF_PROCESSES):
        yield from _head(name, kind, text)
        for p in found:
            value = (p.starts, p.started_at, p.resident_bytes, p.cpu_s, p.open_files)[at]
            yield f'{name}{{process="{_escape(p.name)}"}} {value}'


def _standing(standing: Standing) -> Iterator[str]:
    yield from _gauge("palate_log_head_offset", "The log's newest offset.", standing.head)
    yield from _gauge(
        "palate_state_lag_events", "Events in the log but not in the state.", standing.behind
    )
    yield from _gauge(
        "palate_home_free_bytes", "Free on the disk that holds home.", standing.free_bytes
    )
    name = "palate_group_lag_events"
    yield from _head(name, "gauge", "Events that a consumer group has not committed.")
    lags = {group: max(0, standing.head - at) for group, at in standing.committed.items()}
    for group in sorted(lags, key=lags.__getitem__, reverse=True)[:MOST_GROUPS]:
        yield f'{name}{{group="{_escape(group)}"}} {lags[group]}'


def _releases(releases: Mapping[str, str]) -> Iterator[str]:
    yield from _head("palate_release_info", "gauge", "1 for what each alias answers with.")
    for alias, release in sorted(releases.items()):
        yield f'palate_release_info{{alias="{_escape(alias)}",release="{_escape(release)}"}} 1'
    yield from _head("palate_build_info", "gauge", "1 for the version that runs.")
    yield f'palate_build_info{{version="{_escape(__version__)}"}} 1'


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    yield from _head(name, "gauge", text)
    yield f"{name} {value}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
