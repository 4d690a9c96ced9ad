"""The event log: appending in both modes of durability, and the state made anew from it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side
from palate.events.log.sqlite import SqliteEventLog
from sides.log_append import events

APPEND = {"process": 100_000.0, "power": 50_000.0}  # targets, events a second
APPENDED = 300_000  # events of one run
ROWS = 10_000_000
REBUILD_S = 60.0  # target for ROWS
PART = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rows", type=int, default=ROWS)
    mine, rest = parser.parse_known_args()
    title = "Event log: append and rebuild (--rows N for fewer)"
    bench = Bench("speed-log", title, runs=3, arguments=rest)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        _append(bench, Path(temporary))
        _rebuild(bench, Path(temporary), mine.rows)
    bench.finish()


def _append(bench: Bench, folder: Path) -> None:
    sides = {mode: Side("log_append.py", arguments=(mode, str(APPENDED))) for mode in APPEND}
    runs = bench.in_turn(sides, folder)
    for mode, target in APPEND.items():
        bench.add(
            f"log/append/{mode}, batches of 1,000, one core",
            [run["per_s"] for run in runs[mode]],
            unit="events/s",
            higher_is_better=True,
            target=target,
        )
        bench.add(
            f"log/append/{mode}, slowest batch",
            [run["slowest_ms"] for run in runs[mode]],
            unit="ms",
            higher_is_better=False,
        )


def _rebuild(bench: Bench, folder: Path, rows: int) -> None:
    with SqliteEventLog(folder / "log.sqlite") as log:
        start = time.perf_counter()
        for first in range(0, rows, PART):
            log.append(events(min(PART, rows - first), first))
        print(f"{rows:,} events written in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    runs = bench.in_turn({"rebuild": Side("state_rebuild.py")}, folder)["rebuild"]
    bench.add(
        f"state/rebuild of {rows:,} events",
        [run["seconds"] for run in runs],
        unit="s",
        higher_is_better=False,
        target=REBUILD_S if rows == ROWS else None,
    )
    bench.add(
        f"state/rebuild of {rows:,} events, memory",
        [run["peak_mb"] for run in runs],
        unit="MB",
        higher_is_better=False,
    )


main()
