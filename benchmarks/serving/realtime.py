"""The real-time recommender under load: whole requests, freshness, and hot swaps.

`PALATE_BENCH_ITEMS` sets the size of the catalogue, two million cars if it is not set, and
`PALATE_BENCH_RATE` the requests a second, 500 if it is not set. Each request
reads the profile, embeds the user, searches 500 candidates, hydrates, filters, ranks and reranks
them, and answers 20. Two workers, writer, embedder, indexer and the generators share the cores.
All is measured three times, each window with percentiles of its own, of which the median counts;
of what must never be, all windows or the worst.

Freshness is measured beside 200 requests and 500 changes of prices a second, by one who asks all
the time: a visitor views the car that came first, and the next answer must be without it and scored
anew; then a copy of that car is put, and must be found through every one of some connections, which
lie with all workers; then it is deleted, and must be gone from all of them.

A swap moves the alias to a release of the other space, nets and index at once. Both releases stay
loaded, as after any swap, so that loading is not in these figures. It is in the last ones: there
the indexer writes a whole snapshot of both spaces every 20 seconds (where 600 are usual) while some
prices change, and every worker loads it and swaps to it: the alias goes to and fro all the time.

Processors that are shared with strangers run at a third of their speed at times: the time of a step
of a plain Python loop, taken between the loads, says how fast this one was. Half of a request is
Python: run it with an interpreter that is built with optimisations, as those to deploy are.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from serving.realtime_generators import CONNECTIONS, Generators
from serving.realtime_reloads import Reloaded, often_refreshed, reloads_of, report_reloads
from serving.realtime_service import ready_after, service_of
from serving.realtime_swaps import Swapped, report_swaps, swaps_of
from serving.realtime_windows import Window, report_freshness, window_of
from serving.realtime_world import World, build_home

ITEMS = int(os.environ.get("PALATE_BENCH_ITEMS", "2000000"))
WORKERS = 2
WATCHES = 3 * WORKERS  # connections through which an item must be found; workers share them out
RATE = float(os.environ.get("PALATE_BENCH_RATE", "500"))
BESIDE = min(200.0, RATE)  # requests a second beside the measurement of freshness
CHANGES = min(500.0, RATE)  # changes a second beside it
SECONDS = 10.0
STEPS = 1_000_000


@dataclass(frozen=True)
class Requests:
    """Figures of whole requests, run by run.

    Attributes:
        opened: At `RATE`.
        closed: In a closed loop.
        doubled: At twice that rate.
        step_ns: Of a plain loop, before each.
    """

    opened: list[dict[str, Any]]
    closed: list[dict[str, Any]]
    doubled: list[dict[str, Any]]
    step_ns: list[float]


@dataclass(frozen=True)
class Found:
    """Figures of all parts."""

    requests: Requests
    windows: list[Window]
    swapped: list[Swapped]
    reloaded: list[Reloaded]


def step_ns() -> float:
    """Nanoseconds of this process's processor time for a step of a plain loop."""
    begun, total = time.process_time_ns(), 0
    for step in range(STEPS):
        total += step
    return (time.process_time_ns() - begun) / STEPS


def measure(folder: Path, runs: int) -> Found:
    """All parts, one after the other, on one service but for the last."""
    world = build_home(folder / "home", ITEMS, WORKERS)
    log = folder / "service.log"
    with service_of(world.settings, log) as url:
        ready = ready_after(url, items=ITEMS, connections=WATCHES)
        print(f"embedded, indexed and loaded in {ready:.0f} s", file=sys.stderr, flush=True)
        generators = Generators(url, world, folder)
        requests = measure_requests(generators, runs)
        windows = [
            window_of(generators, requests=BESIDE, changes=CHANGES, connections=WATCHES, run=run)
            for run in range(runs)
        ]
        swapped = [
            swaps_of(generators, log, rate=RATE, workers=WORKERS, run=run) for run in range(runs)
        ]
    return Found(requests, windows, swapped, measure_reloads(world, folder, runs))


def measure_requests(generators: Generators, runs: int) -> Requests:
    """Each kind of load in turn."""
    steps_ns: list[float] = []

    def ran(rate: float, seed: int) -> dict[str, Any]:
        steps_ns.append(step_ns())
        with generators.requests(rate=rate, seconds=SECONDS, seed=seed) as load:
            return load.figures()

    opened = [ran(RATE, seed) for seed in range(runs)]
    closed = [ran(0.0, seed) for seed in range(runs)]
    doubled = [ran(2 * RATE, seed) for seed in range(runs)]
    return Requests(opened, closed, doubled, steps_ns)


def measure_reloads(world: World, folder: Path, runs: int) -> list[Reloaded]:
    """With a service of its own, whose indexer publishes often."""
    log = folder / "reloads.log"
    with service_of(often_refreshed(world.settings), log) as url:
        ready_after(url, items=ITEMS, connections=WATCHES)
        generators = Generators(url, world, folder)
        return [
            reloads_of(generators, log, rate=RATE, workers=WORKERS, run=run) for run in range(runs)
        ]


def main() -> None:
    bench = Bench(
        "serving-realtime",
        f"{ITEMS:,} cars, 500 ranked, top 20, {WORKERS} workers, {CONNECTIONS} connections",
        runs=3,
    )
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        found = measure(Path(temporary), bench.runs)
    report_requests(bench, found.requests)
    beside = f"beside {CHANGES:.0f} changes and {BESIDE:.0f} requests a second"
    report_freshness(bench, found.windows, beside)
    report_swaps(bench, found.swapped)
    report_reloads(bench, found.reloaded)
    bench.finish()


def report_requests(bench: Bench, found: Requests) -> None:
    at = f"at {RATE:.0f} a second"
    p50, p99 = ([run[f"{share}_ms"] for run in found.opened] for share in ("p50", "p99"))
    bench.add(f"realtime/p50 {at}", p50, unit="ms", higher_is_better=False, target=3.0)
    bench.add_tail(f"realtime/p99 {at}", p99, unit="ms", target=15.0)
    bench.add(
        "realtime/closed loop",
        [run["per_second"] for run in found.closed],
        unit="1/s",
        higher_is_better=True,
        target=1500.0,
    )
    name = f"realtime/p99 at {2 * RATE:.0f} a second"
    bench.add_tail(name, [run["p99_ms"] for run in found.doubled], unit="ms")
    bad = sum(run["failed"] + run["lost"] + run["degraded"] for run in found.opened)
    name = f"realtime/failed, lost or degraded {at}"
    bench.add(name, float(bad), higher_is_better=False, target=0.0)
    name = "realtime/a step of a plain Python loop between the loads"
    step = statistics.median(found.step_ns)
    bench.add(name, step, unit="ns", higher_is_better=False)


if __name__ == "__main__":
    main()
