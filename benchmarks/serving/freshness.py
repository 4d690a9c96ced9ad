"""How soon an answer reflects a change: a posted event, a deleted item, at 200 changes a second.

Each sequence posts a change and, once it is acknowledged, asks through whichever connection is
free, so through either worker. The time runs from the moment the POST was due to the first
answer that reflects it. An answer after the acknowledgement that does not is counted as stale;
there must be none.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.serve.background import BackgroundService
from serving.generator import Answer, Pool, arrivals, percentile
from serving.world import build_home

MODEL = "sar"
WORKERS = 2
CONNECTIONS = 32
RATE = 200.0
SECONDS = 10.0
WARM_S = 2.0
DEEP = 100  # popular items that are deleted in turn, and put back
EVENTS_OF_TEN = 8  # of ten changes, so many are events; the rest are deletions


class Changes:
    """Changes under way, and how long each took to show."""

    def __init__(self, pool: Pool, popular: list[str], run: int) -> None:
        self._pool = pool
        self._popular = popular
        self._run = run
        self.measuring = False
        self.seconds: dict[str, list[float]] = {"event": [], "deletion": []}
        self.stale = 0
        self.failed = 0

    def start(self, number: int, due: float) -> None:
        if number % 10 < EVENTS_OF_TEN:
            self._post_event(f"fresh-{self._run}-{number}", due)
        else:
            others = self._popular[1:]
            self._delete(others[(number // 10 * 2 + number % 10) % len(others)], due)

    def _post_event(self, user: str, due: float) -> None:
        """A new user rates the most popular item, and so must not be offered it again."""
        item = self._popular[0]
        event = {"event": "rating", "user_id": user, "item_id": item, "value": 5.0}
        ask = self._ask({"user_id": user, "k": 10})
        self._pool.ask(
            self._pool.request("POST", "/v1/events", json.dumps([event]).encode()),
            self._then(b'"accepted"', lambda: self._look(ask, item, "event", due, lambda: None)),
        )

    def _delete(self, item: str, due: float) -> None:
        """A popular item is deleted, and put back when it was seen to be gone."""
        put = self._pool.request("PUT", f"/v1/items/{item}", b'{"attributes": {}}')
        ask = self._pool.request("GET", f"/v1/popular?k={DEEP}")
        self._pool.ask(
            self._pool.request("DELETE", f"/v1/items/{item}"),
            self._then(
                item.encode(),
                lambda: self._look(
                    ask,
                    item,
                    "deletion",
                    due,
                    lambda: self._pool.ask(put, self._then(b"", lambda: None)),
                ),
            ),
        )

    def _ask(self, question: dict[str, object]) -> bytes:
        return self._pool.request("POST", "/v1/recommendations", json.dumps(question).encode())

    def _then(self, expected: bytes, go_on: Callable[[], None]) -> Callable[[Answer], None]:
        def done(answer: Answer) -> None:
            if answer.status == 200 and expected in answer.body:
                go_on()
            else:
                self.failed += 1

        return done

    def _look(
        self, ask: bytes, item: str, kind: str, due: float, go_on: Callable[[], None]
    ) -> None:
        name = f'"item_id":"{item}"'.encode()

        def done(answer: Answer) -> None:
            if answer.status != 200:
                self.failed += 1
            elif name in answer.body:
                self.stale += 1
                self._pool.ask(ask, done)
            else:
                if self.measuring:
                    self.seconds[kind].append(answer.at - due)
                go_on()

        self._pool.ask(ask, done)


def run(url: str, number: int) -> dict[str, float]:
    pool = Pool(url, CONNECTIONS)
    changes = Changes(pool, popular_items(pool), number)
    start = time.perf_counter()
    for at, moment in enumerate(arrivals(RATE, WARM_S + SECONDS, number)):
        due = start + moment
        changes.measuring = moment >= WARM_S
        while time.perf_counter() < due:
            pool.turn(due)
        changes.start(at, due)
    pool.drain()
    if changes.failed:
        raise SystemExit(f"{changes.failed} requests failed")
    figures = {"stale": float(changes.stale)}
    for kind, seconds in changes.seconds.items():
        ordered = sorted(seconds)
        figures[f"{kind}_p50_ms"] = 1e3 * percentile(ordered, 0.5)
        figures[f"{kind}_p99_ms"] = 1e3 * percentile(ordered, 0.99)
    print(figures, file=sys.stderr)
    return figures


def popular_items(pool: Pool) -> list[str]:
    found: list[str] = []

    def done(answer: Answer) -> None:
        found.extend(item["item_id"] for item in json.loads(answer.body)["items"])

    pool.ask(pool.request("GET", f"/v1/popular?k={DEEP}"), done)
    pool.drain()
    # The first is for events; those near the end come and go as others do.
    return [found[0], *found[1 : DEEP // 2]]


def main() -> None:
    bench = Bench("serving-freshness", f"{RATE:.0f} changes a second, {MODEL} on MovieLens 100K")
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        settings = build_home(folder / "home", MODEL, WORKERS)
        with BackgroundService(settings, log=folder / "service.log") as service:
            runs = [run(service.url, number) for number in range(bench.runs)]
    for kind in ("event", "deletion"):
        for share, target in (("p50", None), ("p99", 50.0)):
            bench.add(
                f"freshness/{kind} {share}",
                [r[f"{kind}_{share}_ms"] for r in runs],
                unit="ms",
                higher_is_better=False,
                target=target,
            )
    bench.add(
        "freshness/stale answers after an acknowledgement",
        sum(r["stale"] for r in runs),
        higher_is_better=False,
        target=0.0,
    )
    bench.finish()


if __name__ == "__main__":
    main()
