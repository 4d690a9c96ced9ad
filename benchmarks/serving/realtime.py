"""The real-time recommender under load: whole requests, freshness, and hot swaps.

`PALATE_BENCH_ITEMS` sets the size of the catalogue, two million cars if it is not set, and
`PALATE_BENCH_RATE` the requests a second, 500 if it is not set. Each request
reads the profile, embeds the user, searches 500 candidates, hydrates, filters, ranks and reranks
them, and answers 20. Two workers, writer, embedder, indexer and the generator share the cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx

from harness import Bench
from palate.config import Settings
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from serving.generator import percentile
from serving.realtime_world import SURFACE, USERS, build_home

HERE = Path(__file__).resolve().parent
ITEMS = int(os.environ.get("PALATE_BENCH_ITEMS", "2000000"))
WORKERS = 2
CONNECTIONS = 32
RATE = float(os.environ.get("PALATE_BENCH_RATE", "500"))
BESIDE = 200.0  # requests a second beside the measurement of freshness
SECONDS = 10.0
WARM_S = 2.0
SWAPS = 40
SWAP_EVERY_S = 0.5
CHANGES = 60
PATIENCE_S = 1800.0


class Load:
    """One run of the generator, in a process of its own."""

    def __init__(self, url: str, folder: Path, *, rate: float, seconds: float, seed: int) -> None:
        self._out = folder / f"figures-{seed}-{rate:.0f}.json"
        plan = folder / f"plan-{seed}-{rate:.0f}.json"
        said = {"url": url, "connections": CONNECTIONS, "surface": SURFACE, "users": USERS}
        how = {"rate": rate, "seconds": seconds, "warm_s": WARM_S, "seed": seed}
        plan.write_text(json.dumps({**said, **how}))
        self._process = subprocess.Popen(
            [sys.executable, HERE / "realtime_load.py", plan, self._out]
        )

    def figures(self) -> dict[str, Any]:
        """Once it has ended."""
        if self._process.wait():
            raise SystemExit("the generator failed")
        found: dict[str, Any] = json.loads(self._out.read_text())
        print(found, file=sys.stderr)
        return found


def until(is_so: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
    """Seconds until something is so."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > patience_s:
            raise SystemExit("it never came about")
        time.sleep(0.001)
    return time.perf_counter() - began


def asked(client: httpx.Client, user: str, surface: str = SURFACE) -> dict[str, Any]:
    answered = client.post("/v1/recommendations", json={"user_id": user, "surface": surface})
    answered.raise_for_status()
    document: dict[str, Any] = answered.json()
    return document


def is_indexed(url: str) -> bool:
    """Whether every worker that takes one of a few new connections holds the whole index."""
    for _ in range(4):
        told = httpx.get(f"{url}/v1/surfaces", timeout=60).json()["surfaces"]
        if any((one["indexed"] or 0) < ITEMS for one in told):
            time.sleep(1.0)
            return False
    return True


def freshness(url: str) -> tuple[list[float], list[float]]:
    """Milliseconds from a view to the answer without what was seen, from a PUT to the slate."""
    events, changes = [], []
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(CHANGES):
            user = f"fresh-{time.time_ns()}"
            best = asked(client, user)["items"][0]["item_id"]
            due = time.perf_counter()
            view = {"event": "view", "user_id": user, "item_id": best}
            client.post("/v1/events", json=[view]).raise_for_status()
            shown = {one["item_id"] for one in asked(client, user)["items"]}
            if best in shown:
                raise SystemExit("an answer after the acknowledgement does not reflect the event")
            events.append(1e3 * (time.perf_counter() - due))
            car = client.get(f"/v1/items/{best}").json()["attributes"]
            name = f"new-{time.time_ns()}"
            due = time.perf_counter()
            client.put(f"/v1/items/{name}", json={"attributes": car}).raise_for_status()

            def is_found(user: str = user, name: str = name) -> bool:
                return any(one["item_id"] == name for one in asked(client, user, "near")["items"])

            until(is_found, 30.0)
            changes.append(1e3 * (time.perf_counter() - due))
    return sorted(events), sorted(changes)


def swaps(settings: Settings, url: str, folder: Path) -> dict[str, Any]:
    """Figures of the load while the alias goes to and fro."""
    load = Load(url, folder, rate=RATE, seconds=SWAPS * SWAP_EVERY_S + 2, seed=99)
    releases = open_releases(settings.home)
    time.sleep(WARM_S + 1)
    for number in range(SWAPS):
        ref = f"cars:{(number + 1) % 2 + 1}"
        releases.promote(ref, "stable", by="benchmark", reason="a swap")
        time.sleep(SWAP_EVERY_S)
    releases.close()
    return load.figures()


def main() -> None:
    bench = Bench(
        "serving-realtime",
        f"{ITEMS} cars, 500 ranked, top 20, {WORKERS} workers, {CONNECTIONS} connections",
    )
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        settings = build_home(folder / "home", ITEMS, WORKERS)
        with BackgroundService(settings, log=folder / "service.log") as service:
            ready = until(lambda: is_indexed(service.url))
            print(f"embedded, indexed and loaded in {ready:.0f} s", file=sys.stderr)
            seeds = range(bench.runs)
            opened = [
                Load(service.url, folder, rate=RATE, seconds=SECONDS, seed=s).figures()
                for s in seeds
            ]
            closed = [
                Load(service.url, folder, rate=0.0, seconds=SECONDS, seed=s).figures()
                for s in seeds
            ]
            beside = Load(service.url, folder, rate=BESIDE, seconds=40.0, seed=7)
            time.sleep(WARM_S)
            fresh = freshness(service.url)
            beside.figures()
            swapped = swaps(settings, service.url, folder)
    report(bench, opened, closed, fresh, swapped)


def report(
    bench: Bench,
    opened: list[dict[str, Any]],
    closed: list[dict[str, Any]],
    fresh: tuple[list[float], list[float]],
    swapped: dict[str, Any],
) -> None:
    for share, target in (("p50", 3.0), ("p99", 15.0)):
        bench.add(
            f"realtime/{share} at {RATE:.0f} a second",
            [run[f"{share}_ms"] for run in opened],
            unit="ms",
            higher_is_better=False,
            target=target,
        )
    bench.add(
        "realtime/closed loop",
        [run["per_second"] for run in closed],
        unit="1/s",
        higher_is_better=True,
        target=1500.0,
    )
    for name, values, target in (
        ("user event to changed answer", fresh[0], 50.0),
        ("item event to slate", fresh[1], 1000.0),
    ):
        bench.add(
            f"realtime/{name}, p99",
            percentile(values, 0.99),
            unit="ms",
            higher_is_better=False,
            target=target,
        )
    pairs = list(swapped["of"])
    mixed = sum(swapped["of"].values()) if len(pairs) != len({p.split()[0] for p in pairs}) else 0
    failed = swapped["failed"] + swapped["lost"] + swapped["degraded"] + mixed
    bench.add(
        f"realtime/failed, lost, degraded or mixed answers in {SWAPS} swaps",
        float(failed),
        higher_is_better=False,
        target=0.0,
    )
    bench.add("realtime/p99 while swapping", swapped["p99_ms"], unit="ms", higher_is_better=False)
    bench.finish()


if __name__ == "__main__":
    main()
