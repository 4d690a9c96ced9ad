"""Forgetting one person among many: how long each step takes, and how long the log waits."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.config import Settings
from palate.events.identity import now_us
from palate.events.log.people import People
from palate.features.ingest import open_ingest
from palate.privacy.erase import forgetting_events
from palate.privacy.eraser import Eraser
from palate.privacy.export import export_person
from sides.log_append import events

ROWS = 2_000_000
PART = 10_000
DAYS_US = 2 * 86_400_000_000  # by then files are cleaned


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rows", type=int, default=ROWS)
    mine, rest = parser.parse_known_args()
    bench = Bench("privacy", "Export and erase one of many (--rows N for fewer)", arguments=rest)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        _measure(bench, Settings(home=Path(temporary) / "home"), mine.rows)
    bench.finish()


def _measure(bench: Bench, settings: Settings, rows: int) -> None:
    steps: dict[str, list[float]] = {"export": [], "hide": [], "erase": [], "clean": []}

    def timed(step: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        steps[step].append(time.perf_counter() - start)

    with open_ingest(settings.home, settings) as ingest:
        for first in range(0, rows, PART):
            ingest.append(events(min(PART, rows - first), first))
        eraser = Eraser(ingest, settings.home, settings)
        for user in ingest.state.users(limit=3):
            timed("export", lambda u=user: export_person(u, settings.home, settings, ingest.state))
            gone = forgetting_events(People((user,)), "bench")
            timed("hide", lambda gone=gone: ingest.append(gone))
            timed("erase", lambda: eraser.finish(now_us()))
            timed("clean", lambda: eraser.finish(now_us() + DAYS_US))
    said = {
        "export": "export",
        "hide": "erase: hidden from every answer",
        "erase": "erase: records gone, between appends",
        "clean": "erase: files written anew, appends wait",
    }
    for step, seconds in steps.items():
        name = f"privacy/{said[step]}; one person of {rows:,} events"
        bench.add(name, seconds, unit="s", higher_is_better=False)


main()
