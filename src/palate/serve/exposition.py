"""The counters of all processes as Prometheus text, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Final

from palate.serve.counters import (
    BUCKETS_S,
    CELLS,
    EVENTS,
    LATENCY,
    REQUESTS,
    ROUTES,
    STATUSES,
    read_cells,
)
from palate.types import Verdict

__all__ = ["MEDIA_TYPE", "exposition"]

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SINGLE: Final = (
    ("degraded", "palate_degraded_total", "counter", "Answers given without the asked model."),
    ("swaps", "palate_alias_swaps_total", "counter", "Releases taken up, over all workers."),
    ("refused", "palate_bundles_refused_total", "counter", "Loads of a bundle that failed."),
    ("commits", "palate_writer_commits_total", "counter", "Groups committed by the writer."),
    (
        "committed_events",
        "palate_writer_events_total",
        "counter",
        "Events in those groups, duplicates included.",
    ),
    ("queue", "palate_writer_queue_events", "gauge", "Events waiting for the writer."),
)


def exposition(folder: Path, releases: Mapping[str, str]) -> str:
    """Prometheus text over all counter files in `folder`.

    Args:
        folder: Where each process keeps its file.
        releases: Alias to the release that this worker answers with.
    """
    return "\n".join(_lines(read_cells(sorted(folder.glob("*.bin"))), releases)) + "\n"


def _lines(cells: list[float], releases: Mapping[str, str]) -> Iterator[str]:
    yield from _head("palate_requests_total", "counter", "Requests answered.")
    for row, route in enumerate(ROUTES):
        for column, status in enumerate(STATUSES):
            n = cells[REQUESTS + row * len(STATUSES) + column]
            if n:
                yield f'palate_requests_total{{route="{route}",status="{status}"}} {n:.0f}'
    yield from _head("palate_request_seconds", "histogram", "From the head read to the end sent.")
    for row, route in enumerate(ROUTES):
        yield from _histogram(cells, row, route)
    yield from _head("palate_events_total", "counter", "Events posted, by verdict.")
    for at, verdict in enumerate(Verdict):
        yield f'palate_events_total{{verdict="{verdict}"}} {cells[EVENTS + at]:.0f}'
    for cell, name, kind, text in _SINGLE:
        yield from _head(name, kind, text)
        yield f"{name} {cells[CELLS[cell]]:.0f}"
    yield from _head("palate_release_info", "gauge", "1 for what each alias answers with.")
    for alias, release in sorted(releases.items()):
        yield f'palate_release_info{{alias="{_escape(alias)}",release="{_escape(release)}"}} 1'


def _histogram(cells: list[float], row: int, route: str) -> Iterator[str]:
    width = len(BUCKETS_S) + 2
    first = LATENCY + row * width
    counts = list(accumulate(cells[first : first + width - 1]))
    if not counts[-1]:
        return
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
        yield f'palate_request_seconds_bucket{{route="{route}",le="{bound}"}} {count:.0f}'
    yield f'palate_request_seconds_sum{{route="{route}"}} {cells[first + width - 1]:.6f}'
    yield f'palate_request_seconds_count{{route="{route}"}} {counts[-1]:.0f}'


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
