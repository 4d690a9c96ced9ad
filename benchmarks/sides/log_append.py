"""Our side of the log benchmarks: events appended in batches of 1,000, on one core."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Literal

import numpy as np

from palate.events.identity import uuid7
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event

BATCH = 1_000
START_US = 1_700_000_000_000_000
STEP_US = 100  # between two events


def events(n: int, first: int = 0) -> list[Event]:
    """Clicks with ids that grow; a few users and items do much, most do little."""
    random = np.random.default_rng(first)
    users = (random.random(n) ** 3 * 500_000).astype(int).tolist()
    items = (random.random(n) ** 3 * 100_000).astype(int).tolist()
    times = range(START_US + first * STEP_US, START_US + (first + n) * STEP_US, STEP_US)
    return [
        Event(
            event="click",
            event_id=uuid7(at),
            user_id=f"user-{user}",
            item_id=f"item-{item}",
            timestamp=at,
        )
        for at, user, item in zip(times, users, items, strict=True)
    ]


def measure(folder: Path, durability: Literal["process", "power"], n: int) -> dict[str, float]:
    """Events a second while appending, and the slowest batch; making the events is not timed."""
    shutil.rmtree(folder, ignore_errors=True)
    seconds = slowest = 0.0
    with SqliteEventLog(folder / "log.sqlite", durability=durability) as log:
        for first in range(0, n, BATCH):
            given = events(BATCH, first)
            began = time.perf_counter()
            log.append(given)
            took = time.perf_counter() - began
            seconds += took
            slowest = max(slowest, took)
    shutil.rmtree(folder)
    return {"per_s": n / seconds, "slowest_ms": slowest * 1e3}


def main(inputs: Path, output: Path, durability: str, n: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    assert durability in ("process", "power")
    measure(inputs / "warm", "process", 10_000)
    output.write_text(json.dumps(measure(inputs / durability, durability, int(n))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
