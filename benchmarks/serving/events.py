"""Single `POST /v1/events` at a fixed rate over two workers, in each mode of durability.

Each POST carries one event and is due at a Poisson arrival; its time counts from then, so a stall
shows in every request that it held up. An answer that is not `accepted` fails the run.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.serve.background import BackgroundService
from serving.generator import Answer, Done, Pool, arrivals, percentile
from soaking.world import ITEMS, USERS, build_home

WORKERS = 2
CONNECTIONS = 32
RATE = 1000.0
SECONDS = 10.0
WARM_S = 2.0
STALL_MS = 100.0


class Posts:
    """Requests, and how long those took that were due while it measured."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self._pool = pool
        self._random = random.Random(seed)
        self.measuring = False
        self.seconds: list[float] = []
        self.refused = 0

    def start(self, due: float) -> None:
        event = {
            "event": "click",
            "event_id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "user_id": self._random.choice(USERS),
            "item_id": self._random.choice(ITEMS),
        }
        request = self._pool.request("POST", "/v1/events", json.dumps([event]).encode())
        self._pool.ask(request, self._done(due, measured=self.measuring))

    def _done(self, due: float, *, measured: bool) -> Done:
        def done(answer: Answer) -> None:
            if answer.status != 200 or b'"accepted"' not in answer.body:
                self.refused += 1
            elif measured:
                self.seconds.append(answer.at - due)

        return done


def run(url: str, seed: int) -> dict[str, float]:
    pool = Pool(url, CONNECTIONS)
    posts = Posts(pool, seed)
    start = time.perf_counter()
    for moment in arrivals(RATE, WARM_S + SECONDS, seed):
        due = start + moment
        posts.measuring = moment >= WARM_S
        while time.perf_counter() < due:
            pool.turn(due)
        posts.start(due)
    pool.drain()
    took = time.perf_counter() - start - WARM_S
    pool.close()
    if posts.refused:
        raise SystemExit(f"{posts.refused} events were not accepted")
    ordered = sorted(posts.seconds)
    figures = {
        "per_second": len(ordered) / took,
        "p50_ms": 1e3 * percentile(ordered, 0.5),
        "p99_ms": 1e3 * percentile(ordered, 0.99),
        "max_ms": 1e3 * ordered[-1],
    }
    print({name: round(value, 2) for name, value in figures.items()}, file=sys.stderr)
    return figures


def main() -> None:
    bench = Bench("serving-events", f"single posts, {WORKERS} workers, {CONNECTIONS} connections")
    for durability in ("process", "power"):
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            folder = Path(temporary)
            settings = build_home(folder / "home", workers=WORKERS, durability=durability)
            with BackgroundService(settings, log=folder / "service.log") as service:
                runs = [run(service.url, seed) for seed in range(bench.runs)]
        bench.add(
            f"events/{durability}, acknowledged of {RATE:.0f} a second",
            [r["per_second"] for r in runs],
            unit="1/s",
            higher_is_better=True,
            target=0.98 * RATE,  # arrivals are random: some more, some less
        )
        for share in ("p50", "p99"):
            bench.add(
                f"events/{durability}, {share}",
                [r[f"{share}_ms"] for r in runs],
                unit="ms",
                higher_is_better=False,
            )
        bench.add(
            f"events/{durability}, longest of all",
            [r["max_ms"] for r in runs],
            unit="ms",
            higher_is_better=False,
            target=STALL_MS,
        )
    bench.finish()


if __name__ == "__main__":
    main()
