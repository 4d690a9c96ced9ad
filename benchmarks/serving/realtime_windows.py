"""Windows in which freshness is measured, beside requests and changes of prices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness import Bench
from serving.generator import percentile
from serving.realtime_freshness import Freshness
from serving.realtime_generators import WARM_S, Generators
from serving.realtime_service import watches

__all__ = ["Window", "report_freshness", "window_of"]

FRESH_S = 42.0  # enough for a hundred of each kind, where a processor is as fast as usual


@dataclass(frozen=True)
class Window:
    """One window of freshness.

    Attributes:
        fresh: What was measured.
        beside: Figures of the requests beside it.
        changed: Figures of the changes beside it.
    """

    fresh: Freshness
    beside: dict[str, Any]
    changed: dict[str, Any]


def window_of(
    generators: Generators, *, requests: float, changes: float, connections: int, run: int
) -> Window:
    """`FRESH_S` beside so many requests and changes a second."""
    seconds = FRESH_S + 3 * WARM_S  # they begin before it, and end after it
    with (
        generators.requests(rate=requests, seconds=seconds, seed=70 + run) as beside,
        generators.changes(rate=changes, seconds=seconds, seed=70 + run) as changing,
    ):
        time.sleep(2 * WARM_S)
        with watches(generators.url, connections) as clients:
            fresh = Freshness(clients)
            fresh.go_on(FRESH_S)
        return Window(fresh, beside.figures(), changing.figures())


def report_freshness(bench: Bench, windows: Sequence[Window], beside: str) -> None:
    """Figures of all windows.

    Args:
        bench: Takes them.
        windows: Each with percentiles of its own.
        beside: What else ran.

    Raises:
        SystemExit: In one of them nothing was measured.
    """
    found = [window.fresh for window in windows]
    measured = {
        "user event to changed answer": ([one.events_ms for one in found], 50.0),
        "item event to retrievable in every worker": ([one.items_ms for one in found], 1000.0),
        "item deleted to gone from every answer": ([one.gone_ms for one in found], 1000.0),
        "item deleted to gone from every worker's index": (
            [one.dropped_ms for one in found],
            1000.0,
        ),
    }
    for name, (runs, target) in measured.items():
        if not all(runs):
            raise SystemExit(f"nothing was measured: {name}")
        p50, p99 = ([percentile(sorted(run), share) for run in runs] for share in (0.5, 0.99))
        said = f"realtime/{name}, {beside}"
        bench.add(f"{said}, p50", p50, unit="ms", higher_is_better=False)
        bench.add_tail(f"{said}, p99", p99, unit="ms", target=target)
    fewest = min(len(run) for runs, _ in measured.values() for run in runs)
    bench.add(
        "realtime/such events of each kind in a window, at least",
        float(fewest),
        higher_is_better=True,
    )
    bad = float(sum(one.bad for one in found))
    name = "realtime/such events that were refused, stale or lost"
    bench.add(name, bad, higher_is_better=False, target=0.0)
    name = "realtime/answers that changed though there was no event between them"
    unlike = float(sum(one.unlike for one in found))
    bench.add(name, unlike, higher_is_better=False, target=0.0)
    degraded = float(sum(one.degraded for one in found))
    name = "realtime/degraded answers to such visitors, asked for again"
    bench.add(name, degraded, higher_is_better=False)
    for what, loads in (
        ("requests", [window.beside for window in windows]),
        ("changes", [window.changed for window in windows]),
    ):
        _report_beside(bench, what, loads)


def _report_beside(bench: Bench, what: str, loads: Sequence[dict[str, Any]]) -> None:
    name = f"realtime/{what} answered meanwhile"
    rates = [load["per_second"] for load in loads]
    bench.add(name, rates, unit="1/s", higher_is_better=True)
    bench.add_tail(f"{name}, p99", [load["p99_ms"] for load in loads], unit="ms")
    bad = float(sum(load["failed"] + load["lost"] for load in loads))
    bench.add(f"{name}, failed or lost", bad, higher_is_better=False, target=0.0)
