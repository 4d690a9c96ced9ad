"""The real-time recommender under load: whole requests, freshness, and hot swaps.

`PALATE_BENCH_ITEMS` sets the size of the catalogue, two million cars if it is not set, and
`PALATE_BENCH_RATE` the requests a second, 500 if it is not set. Each request
reads the profile, embeds the user, searches 500 candidates, hydrates, filters, ranks and reranks
them, and answers 20. Two workers, writer, embedder, indexer and the generators share the cores.

Freshness is measured beside 200 requests and 500 changes of prices a second: a visitor views the
car that came first, and the next answer must be without it; then a copy of that car is put, and
must be found through every one of some connections, which lie with all workers.

A swap moves the alias to a release of the other space, nets and index at once. Both releases stay
loaded, as after any swap, so that loading is not in these figures. It is in the last ones: there
the indexer writes a whole snapshot of both spaces every 20 seconds (where 600 are usual) while some
prices change, and every worker loads it, beside the requests.

Processors that are shared with strangers run at a third of their speed at times: the time of a step
of a plain Python loop, taken between the loads, says how fast this one was.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.config import Settings
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from serving.generator import percentile
from serving.realtime_freshness import Freshness, watches
from serving.realtime_reloads import loaded_since, often_refreshed, report_reloads
from serving.realtime_world import SURFACE, USERS, World, build_home

HERE = Path(__file__).resolve().parent
ITEMS = int(os.environ.get("PALATE_BENCH_ITEMS", "2000000"))
WORKERS = 2
CONNECTIONS = 32
WATCHES = 3 * WORKERS  # connections through which an item must be found; workers share them out
RATE = float(os.environ.get("PALATE_BENCH_RATE", "500"))
BESIDE = min(200.0, RATE)  # requests a second beside the measurement of freshness
CHANGES = min(500.0, RATE)  # changes a second beside it
SECONDS = 10.0
FRESH_S = 60.0
WARM_S = 2.0
SWAPS = 40
SWAP_EVERY_S = 0.5
PATIENCE_S = 1200.0
STEPS = 1_000_000
TOLD = 20  # warnings and errors of the service that are shown, where something fails


class Load:
    """A generator in a process of its own, as a context: with it, the process ends.

    Args:
        script: Which.
        name: Of its files.
        folder: Where they are.
        plan: What it is told.
    """

    def __init__(self, script: str, name: str, folder: Path, plan: dict[str, Any]) -> None:
        self._out = folder / f"{name}-figures.json"
        given = folder / f"{name}-plan.json"
        given.write_text(json.dumps(plan))
        self._process = subprocess.Popen([sys.executable, HERE / script, given, self._out])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def figures(self) -> dict[str, Any]:
        """Once it has ended."""
        if self._process.wait():
            raise SystemExit("the generator failed")
        found: dict[str, Any] = json.loads(self._out.read_text())
        print(self._out.stem, found, file=sys.stderr, flush=True)
        return found


def requests(url: str, folder: Path, *, rate: float, seconds: float, seed: int) -> Load:
    """Requests at a rate; of 0, in a closed loop."""
    said = {"url": url, "connections": CONNECTIONS, "surface": SURFACE, "users": USERS}
    how = {"rate": rate, "seconds": seconds, "warm_s": WARM_S, "seed": seed}
    return Load("realtime_load.py", f"requests-{seed}-{rate:.0f}", folder, {**said, **how})


def changes(
    url: str, folder: Path, cars: list[dict[str, Any]], *, seconds: float, rate: float = CHANGES
) -> Load:
    """New prices of cars."""
    how = {"rate": rate, "seconds": seconds, "seed": 11}
    # No more than are busy enough for the service not to close them.
    connections = min(CONNECTIONS, int(rate))
    plan = {"url": url, "connections": connections, "cars": cars, **how}
    return Load("realtime_changes.py", "changes", folder, plan)


def until(is_so: Callable[[], bool], what: str, *, patience_s: float, look_s: float) -> float:
    """Seconds until something is so."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > patience_s:
            raise SystemExit(f"after {patience_s:.0f} s this was still not so: {what}")
        time.sleep(look_s)
    return time.perf_counter() - began


def is_indexed(url: str) -> bool:
    """Whether all workers hold the whole index of both spaces."""
    with watches(url, WATCHES) as clients:
        for client in clients:
            told = client.get("/v1/surfaces").json()["surfaces"]
            if any((one["indexed"] or 0) < ITEMS for one in told):
                return False
            if len({one["space"] for one in told}) != 2:
                return False
    return True


def swaps(settings: Settings, url: str, folder: Path) -> dict[str, Any]:
    """Figures of the load while the alias goes to and fro."""
    seconds = SWAPS * SWAP_EVERY_S + 2
    with requests(url, folder, rate=RATE, seconds=seconds, seed=99) as load:
        releases = open_releases(settings.home)
        try:
            time.sleep(WARM_S + 1)
            for number in range(SWAPS):
                ref = f"cars:{(number + 1) % 2 + 1}"
                releases.promote(ref, "stable", by="benchmark", reason="a swap")
                time.sleep(SWAP_EVERY_S)
        finally:
            releases.close()
        return load.figures()


def reloads(world: World, folder: Path) -> tuple[dict[str, Any], int]:
    """Figures of the load while snapshots are published and loaded; how many were loaded."""
    log = folder / "reloads.log"
    with service_of(often_refreshed(world.settings), log) as url:
        until(lambda: is_indexed(url), "both spaces loaded", patience_s=PATIENCE_S, look_s=1.0)
        begun = log.stat().st_size
        with (
            requests(url, folder, rate=RATE, seconds=FRESH_S, seed=13) as load,
            changes(url, folder, world.changing, seconds=FRESH_S, rate=4.0) as changing,
        ):
            figures = load.figures()
            changing.figures()
        return figures, loaded_since(log, begun)


@dataclass(frozen=True)
class Found:
    """Figures of all parts."""

    opened: list[dict[str, Any]]
    closed: list[dict[str, Any]]
    doubled: dict[str, Any]
    fresh: Freshness
    beside: dict[str, Any]
    changed: dict[str, Any]
    swapped: dict[str, Any]
    step_ns: float
    reloaded: tuple[dict[str, Any], int]


@contextmanager
def service_of(settings: Settings, log: Path) -> Iterator[str]:
    """The URL of a running service; where something fails, its last words are shown."""
    try:
        with BackgroundService(settings, log=log) as service:
            yield service.url
    except BaseException:
        lines = log.read_text().splitlines() if log.is_file() else []
        told = [line for line in lines if '"level":"info"' not in line]
        print(*told[-TOLD:], sep="\n", file=sys.stderr)
        raise


def step_ns() -> float:
    """Nanoseconds of this process's processor time for a step of a plain loop."""
    begun, total = time.process_time_ns(), 0
    for step in range(STEPS):
        total += step
    return (time.process_time_ns() - begun) / STEPS


def measure(folder: Path, runs: int) -> Found:
    """All parts, one after the other, on one service but for the last."""
    world = build_home(folder / "home", ITEMS, WORKERS)
    with service_of(world.settings, folder / "service.log") as url:
        ready = until(
            lambda: is_indexed(url), "both spaces indexed", patience_s=PATIENCE_S, look_s=1.0
        )
        print(f"embedded, indexed and loaded in {ready:.0f} s", file=sys.stderr, flush=True)

        steps_ns: list[float] = []

        def ran(rate: float, seed: int) -> dict[str, Any]:
            steps_ns.append(step_ns())
            with requests(url, folder, rate=rate, seconds=SECONDS, seed=seed) as load:
                return load.figures()

        opened = [ran(RATE, seed) for seed in range(runs)]
        closed = [ran(0.0, seed) for seed in range(runs)]
        doubled = ran(2 * RATE, 5)
        with (
            requests(url, folder, rate=BESIDE, seconds=FRESH_S, seed=7) as beside,
            changes(url, folder, world.changing, seconds=FRESH_S) as changing,
        ):
            time.sleep(2 * WARM_S)
            with watches(url, WATCHES) as clients:
                fresh = Freshness(clients)
                fresh.go_on(FRESH_S - 4 * WARM_S)
            loads = beside.figures(), changing.figures()
        swapped = swaps(world.settings, url, folder)
    step = statistics.median(steps_ns)
    reloaded = reloads(world, folder)
    return Found(opened, closed, doubled, fresh, *loads, swapped, step, reloaded)


def main() -> None:
    bench = Bench(
        "serving-realtime",
        f"{ITEMS:,} cars, 500 ranked, top 20, {WORKERS} workers, {CONNECTIONS} connections",
        runs=3,
    )
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        found = measure(Path(temporary), bench.runs)
    report_requests(bench, found)
    report_freshness(bench, found)
    report_swaps(bench, found.swapped)
    report_reloads(bench, *found.reloaded)
    bench.finish()


def report_requests(bench: Bench, found: Found) -> None:
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
    bench.add(name, found.doubled["p99_ms"], unit="ms", higher_is_better=False)
    bad = sum(run["failed"] + run["lost"] + run["degraded"] for run in found.opened)
    name = f"realtime/failed, lost or degraded {at}"
    bench.add(name, float(bad), higher_is_better=False, target=0.0)
    name = "realtime/a step of a plain Python loop between the loads"
    bench.add(name, found.step_ns, unit="ns", higher_is_better=False)


def report_freshness(bench: Bench, found: Found) -> None:
    beside = f"beside {CHANGES:.0f} changes and {BESIDE:.0f} requests a second"
    for name, values, target in (
        ("user event to changed answer", sorted(found.fresh.events_ms), 50.0),
        ("item event to retrievable in every worker", sorted(found.fresh.items_ms), 1000.0),
    ):
        for share, least in ((0.5, None), (0.99, target)):
            bench.add(
                f"realtime/{name}, {beside}, p{100 * share:.0f}",
                percentile(values, share),
                unit="ms",
                higher_is_better=False,
                target=least,
            )
    name = "realtime/such events that were refused, stale or lost"
    bench.add(name, float(found.fresh.bad), higher_is_better=False, target=0.0)
    for what, load in (("requests", found.beside), ("changes", found.changed)):
        name = f"realtime/{what} answered meanwhile"
        bench.add(name, load["per_second"], unit="1/s", higher_is_better=True)
        bench.add(f"{name}, p99", load["p99_ms"], unit="ms", higher_is_better=False)
        bad = float(load["failed"] + load["lost"])
        bench.add(f"{name}, failed or lost", bad, higher_is_better=False, target=0.0)


def report_swaps(bench: Bench, swapped: dict[str, Any]) -> None:
    spaces: dict[str, set[str]] = {}
    for pair in swapped["of"]:
        release, _, space = pair.partition(" ")
        spaces.setdefault(release, set()).add(space)
    if len(spaces) != 2:
        raise SystemExit(f"no swap: all answers are of {' and '.join(spaces)}")
    mixed = sum(n for pair, n in swapped["of"].items() if len(spaces[pair.split()[0]]) > 1)
    failed = swapped["failed"] + swapped["lost"] + swapped["degraded"] + mixed
    bench.add(
        f"realtime/failed, lost, degraded or mixed answers in {SWAPS} swaps",
        float(failed),
        higher_is_better=False,
        target=0.0,
    )
    share = min(swapped["of"].values()) / sum(swapped["of"].values())
    bench.add("realtime/answers of the rarer release meanwhile", share, higher_is_better=True)
    bench.add("realtime/p99 while swapping", swapped["p99_ms"], unit="ms", higher_is_better=False)


if __name__ == "__main__":
    main()
