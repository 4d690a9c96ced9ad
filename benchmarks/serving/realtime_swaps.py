"""The alias goes to and fro between releases of two spaces, while people ask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Bench
from palate.config import Settings
from palate.release.registry import open_releases
from serving.realtime_generators import WARM_S, Generators
from serving.realtime_service import said_since

__all__ = [
    "ANSWERS_WITH",
    "SWAPS",
    "SWAP_EVERY_S",
    "Swapped",
    "mixed_of",
    "report_swaps",
    "swap_to_and_fro",
    "swaps_of",
]

SWAPS = 40
SWAP_EVERY_S = 0.5
ANSWERS_WITH = "answering with "  # what a worker says when it has swapped


@dataclass(frozen=True)
class Swapped:
    """One run.

    Attributes:
        load: Figures of the requests.
        swaps: How many each worker made, on average.
    """

    load: dict[str, Any]
    swaps: float


def swaps_of(generators: Generators, log: Path, *, rate: float, workers: int, run: int) -> Swapped:
    """One run of `SWAPS` swaps beside requests."""
    begun = log.stat().st_size
    seconds = SWAPS * SWAP_EVERY_S + 2
    with generators.requests(rate=rate, seconds=seconds, seed=99 + run) as load:
        time.sleep(WARM_S + 1)
        swap_to_and_fro(generators.world.settings, SWAPS)
        figures = load.figures()
    return Swapped(figures, said_since(log, begun, ANSWERS_WITH) / workers)


def swap_to_and_fro(settings: Settings, n: int) -> None:
    """Move the alias `stable` so many times; after an even number it is where it was."""
    releases = open_releases(settings.home)
    try:
        for number in range(n):
            ref = f"cars:{(number + 1) % 2 + 1}"
            releases.promote(ref, "stable", by="benchmark", reason="a swap")
            time.sleep(SWAP_EVERY_S)
    finally:
        releases.close()


def mixed_of(answers: dict[str, int]) -> int:
    """How many answers are of a release that answered in two spaces.

    Args:
        answers: How many there were of each `release space`.

    Raises:
        SystemExit: All are of one release: nothing was swapped.
    """
    spaces: dict[str, set[str]] = {}
    for pair in answers:
        release, _, space = pair.partition(" ")
        spaces.setdefault(release, set()).add(space)
    if len(spaces) != 2:
        raise SystemExit(f"no swap: all answers are of {' and '.join(spaces)}")
    return sum(n for pair, n in answers.items() if len(spaces[pair.split()[0]]) > 1)


def report_swaps(bench: Bench, runs: Sequence[Swapped]) -> None:
    """Figures of all runs; of what must not be, those of the worst.

    Raises:
        SystemExit: In one of them nothing was swapped.
    """
    loads = [run.load for run in runs]
    failed = [one["failed"] + one["lost"] + one["degraded"] + mixed_of(one["of"]) for one in loads]
    name = f"realtime/failed, lost, degraded or mixed answers in {SWAPS} swaps"
    bench.add(name, float(max(failed)), higher_is_better=False, target=0.0)
    shares = [min(one["of"].values()) / sum(one["of"].values()) for one in loads]
    bench.add("realtime/answers of the rarer release meanwhile", shares, higher_is_better=True)
    made = [run.swaps for run in runs]
    bench.add("realtime/swaps that a worker made meanwhile", made, higher_is_better=True)
    bench.add_tail("realtime/p99 while swapping", [one["p99_ms"] for one in loads], unit="ms")
