"""Forgetting one person among many: how long each step takes, and how long the log waits."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.config import Settings
from palate.events.identity import now_us
from palate.events.log.people import People
from palate.features.ingest import Ingest, open_ingest
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
    steps: dict[str, list[float]] = {"export": [], "hide": [], "erase": [], "clean": [], "wait": []}

    def timed(step: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        steps[step].append(time.perf_counter() - start)

    asked = rows
    with open_ingest(settings.home, settings) as ingest:
        for first in range(0, rows, PART):
            ingest.append(events(min(PART, rows - first), first))
        eraser = Eraser(ingest, settings.home, settings)
        for user in ingest.state.users(limit=3):
            timed("export", lambda u=user: export_person(u, settings.home, settings, ingest.state))
            gone = forgetting_events(People((user,)), "bench")
            timed("hide", lambda gone=gone: ingest.append(gone))
            timed("erase", lambda: eraser.finish(now_us()))
            with _Appending(ingest, rows) as appending:
                timed("clean", lambda: eraser.finish(now_us() + DAYS_US))
            rows = appending.rows
            steps["wait"].append(appending.longest_s)
    said = {
        "export": "export",
        "hide": "erase: hidden from every answer",
        "erase": "erase: records gone, between appends",
        "clean": "erase: files written anew, between appends",
        "wait": "erase: longest wait of an append meanwhile",
    }
    for step, seconds in steps.items():
        name = f"privacy/{said[step]}; one person of {asked:,} events"
        bench.add(name, seconds, unit="s", higher_is_better=False)


class _Appending:
    """Appends ten events every few milliseconds, in a thread of its own."""

    def __init__(self, ingest: Ingest, rows: int) -> None:
        self._ingest = ingest
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rows = rows
        self.longest_s = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.005):
            few = events(10, self.rows)
            start = time.perf_counter()
            self._ingest.append(few)
            self.longest_s = max(self.longest_s, time.perf_counter() - start)
            self.rows += 10


main()
