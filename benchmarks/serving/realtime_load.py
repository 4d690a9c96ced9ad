"""Load on a surface of nets, in a process of its own: `python realtime_load.py PLAN OUTPUT`.

Open loop at a rate, or closed loop; where the plan says so the answers are read as well: which
release, of which space, degraded or not.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from serving.generator import (
    Answer,
    Done,
    Measured,
    Pool,
    arrivals,
    closed_loop,
    explained,
)

__all__ = ["main", "opened"]


class Read(Measured):
    """Latencies, and what the answers say of themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.of: Counter[str] = Counter()
        self.degraded = 0

    def done(self, due: float) -> Done:
        note = super().done(due)

        def read(answer: Answer) -> None:
            note(answer)
            if answer.status == 200:
                document = json.loads(answer.body)
                self.of[f"{document['release']} {document.get('space')}"] += 1
                self.degraded += bool(document["degraded"]) or len(document["items"]) < 20

        return read


def run(pool: Pool, requests: list[bytes], plan: dict[str, Any]) -> dict[str, Any]:
    if not plan["rate"]:
        return closed_loop(pool, requests, plan["connections"], plan["seconds"])
    measured = Read()
    figures = opened(pool, requests, plan, measured)
    return {**figures, "of": dict(measured.of), "degraded": measured.degraded}


def opened(
    pool: Pool, requests: list[bytes], plan: dict[str, Any], measured: Measured
) -> dict[str, Any]:
    """Figures of an open loop; more load than can be answered is a figure as well: `lost`."""
    asked = 0
    start = time.perf_counter()
    for number, moment in enumerate(arrivals(plan["rate"], plan["seconds"], plan["seed"])):
        due = start + moment
        while time.perf_counter() < due:
            pool.turn(due)
        pool.ask(requests[number % len(requests)], measured.done(due))
        asked += 1
    with suppress(TimeoutError):
        pool.drain()
    figures: dict[str, Any] = measured.figures(time.perf_counter() - start)
    return {**figures, "lost": asked - len(measured.latencies_s)}


def figures_of(plan: dict[str, Any]) -> dict[str, Any]:
    pool = Pool(plan["url"], plan["connections"])
    requests = [
        pool.request(
            "POST",
            "/v1/recommendations",
            json.dumps({"user_id": user, "surface": plan["surface"]}).encode(),
        )
        for user in plan["users"]
    ]
    random.Random(plan["seed"]).shuffle(requests)
    closed_loop(pool, requests, 4, plan["warm_s"])
    return run(pool, requests, plan)


def main() -> None:
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    with explained(plan["url"]):
        Path(sys.argv[2]).write_text(json.dumps(figures_of(plan)))


if __name__ == "__main__":
    main()
