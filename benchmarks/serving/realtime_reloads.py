"""Whole snapshots are published, loaded by every worker, and swapped to, while people ask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Bench
from palate.config import Settings
from serving.realtime_generators import WARM_S, Generators
from serving.realtime_service import said_since
from serving.realtime_swaps import ANSWERS_WITH, SWAP_EVERY_S, mixed_of, swap_to_and_fro

__all__ = ["REFRESH_S", "Reloaded", "often_refreshed", "reloads_of", "report_reloads"]

REFRESH_S = 20.0  # between two snapshots of a space, where 600 s are usual
SECONDS = 2 * REFRESH_S
CHANGES = 4.0  # a second: there is always something new to publish
LOADED = "answering from snapshot"  # what a worker says


@dataclass(frozen=True)
class Reloaded:
    """One window.

    Attributes:
        load: Figures of the requests.
        loaded: Snapshots that workers loaded meanwhile.
        swaps: How many each worker made, on average.
    """

    load: dict[str, Any]
    loaded: int
    swaps: float


def often_refreshed(settings: Settings) -> Settings:
    """The same with a snapshot of each space every `REFRESH_S`, loaded by workers in turn."""
    given = {name: one for name, one in settings.retrieval.items() if name != "stagger_s"}
    return settings.model_copy(update={"retrieval": {**given, "refresh_s": REFRESH_S}})


def reloads_of(
    generators: Generators, log: Path, *, rate: float, workers: int, run: int
) -> Reloaded:
    """One window, in which the alias goes to and fro all the time.

    A worker that loads a snapshot moves on to what the alias names once it is loaded, so that it
    makes fewer swaps than the alias.
    """
    begun = log.stat().st_size
    swaps = 2 * round(SECONDS / SWAP_EVERY_S / 2)
    with (
        generators.requests(rate=rate, seconds=SECONDS + 2, seed=130 + run) as load,
        generators.changes(rate=CHANGES, seconds=SECONDS + 2, seed=130 + run) as changing,
    ):
        time.sleep(WARM_S + 1)
        swap_to_and_fro(generators.world.settings, swaps)
        figures = load.figures()
        changing.figures()
    loaded = said_since(log, begun, LOADED)
    return Reloaded(figures, loaded, said_since(log, begun, ANSWERS_WITH) / workers)


def report_reloads(bench: Bench, runs: Sequence[Reloaded]) -> None:
    """Figures of all windows; what must not be is counted over all of them.

    Raises:
        SystemExit: In one of them no snapshot was loaded, or nothing swapped.
    """
    if not all(run.loaded for run in runs):
        raise SystemExit("no worker loaded a snapshot while it was measured")
    loads = [run.load for run in runs]
    during = "while snapshots are loaded and aliases swap"
    loaded = [float(run.loaded) for run in runs]
    name = f"realtime/snapshots that workers loaded in {SECONDS:.0f} s"
    bench.add(name, loaded, higher_is_better=True)
    made = [run.swaps for run in runs]
    name = f"realtime/swaps that a worker made in those {SECONDS:.0f} s"
    bench.add(name, made, higher_is_better=True)
    counts = {
        "failed or lost": (sum(one["failed"] + one["lost"] for one in loads), 0.0),
        "of mixed versions": (sum(mixed_of(one["of"]) for one in loads), 0.0),
        "degraded": (sum(one["degraded"] for one in loads), None),
    }
    for what, (n, target) in counts.items():
        name = f"realtime/answers {what} {during}"
        bench.add(name, float(n), higher_is_better=False, target=target)
    bench.add_tail(f"realtime/p99 {during}", [one["p99_ms"] for one in loads], unit="ms")
