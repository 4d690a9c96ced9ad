"""How soon a changed item can be found: 500 changes a second from the log to a worker's index.

A process of its own plays the service's writer: it appends `item.upserted` (and, of ten changes,
one `item.deleted`) to the event log and the state, each when it is due. The embedder runs in
another process, with an item net of the default size whose weights are drawn. This process follows
as a worker's replica does, and searches 200 times a second beside that. A delay runs from when the
log received a change to when a search of this process can find it (or no longer can).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from harness import Bench
from palate.config import Settings
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.processes import open_snapshots, run_embedder, run_indexer
from palate.retrieval.replica import Replica
from palate.retrieval.spaces import Spaces
from palate.store.database import REGISTRY, Database
from palate.store.sqlite_pointer import SqlitePointer
from palate.types import Float32Array

ITEMS = 20_000
DIMENSION = 64
WIDTHS = (96, 128, DIMENSION)  # of the net: its input, its hidden layer, its output
RATE = 500.0  # changes a second
SEARCHES = 200.0  # a second
SECONDS = 20.0
WARM_S = 3.0
DELETED_OF_TEN = 1
P99_S = 1.0  # target
SEEN_MS = 1.0  # target
CHANGED = 2_000
PATIENCE_S = 120.0


class DrawnNet:
    """An item net of the default size: hashed values of attributes through one hidden layer."""

    space = "drawn"
    dimension = DIMENSION

    def __init__(self) -> None:
        rng = np.random.default_rng(42)
        shapes = pairwise(WIDTHS)
        self._layers = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
        self._table = rng.normal(size=(4096, WIDTHS[0])).astype(np.float32)

    def embed_items(
        self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
    ) -> Float32Array:
        """(n, 64) float32 of length 1."""
        rows = [
            [hash_of(f"{name}={value}") for name, value in known.items()] + [hash_of(one)]
            for one, known in zip(ids, attributes, strict=True)
        ]
        x = np.stack([self._table[row].sum(axis=0) for row in rows])
        for layer in self._layers:
            x = np.maximum(x, 0) @ layer
        return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


def hash_of(text: str) -> int:
    """The same in every process."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % 4096


def car(number: int, price: int) -> dict[str, Any]:
    """Attributes of a car."""
    return {
        "make": f"make{number % 40}",
        "model": f"model{number % 400}",
        "year": 1995 + number % 30,
        "price": price,
        "mileage_km": number * 37 % 300_000,
        "fuel": ("petrol", "diesel", "electric", "hybrid")[number % 4],
        "gear": ("manual", "automatic")[number % 2],
        "colour": f"colour{number % 12}",
        "body": f"body{number % 8}",
        "seats": 2 + number % 6,
        "dealer": f"dealer{number % 1500}",
    }


def settings_of(home: Path) -> Settings:
    """With snapshots off after the first, so that the disk does one thing."""
    return Settings(home=home, retrieval={"refresh_s": 3600.0})


def write(home: Path) -> None:
    """The writer: the catalogue, then changes when they are due, until its parent hangs up."""
    with open_ingest(home, settings_of(home)) as ingest:
        for first in range(0, ITEMS, 1000):
            ingest.append(
                [
                    Event(event=ITEM_UPSERTED, item_id=f"car{n}", attributes=car(n, 9000))
                    for n in range(first, first + 1000)
                ]
            )
        print("written", flush=True)
        input()
        rng = np.random.default_rng(7)
        begun = time.perf_counter()
        for number in range(round(RATE * (SECONDS + WARM_S))):
            time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
            n = int(rng.integers(ITEMS))
            if number % 10 < DELETED_OF_TEN:
                ingest.append([Event(event=ITEM_DELETED, item_id=f"car{n}")])
            else:
                known = car(n, int(rng.integers(500, 90_000)))
                ingest.append([Event(event=ITEM_UPSERTED, item_id=f"car{n}", attributes=known)])
        print(f"{time.perf_counter() - begun}", flush=True)
        sys.stdin.read()


def embed(home: Path) -> None:
    """The embedder, until its parent hangs up."""
    stop, net = threading.Event(), DrawnNet()
    thread = threading.Thread(
        target=run_embedder, args=(settings_of(home), stop), kwargs={"encoders": lambda: [net]}
    )
    thread.start()
    sys.stdin.read()
    stop.set()
    thread.join()


class Child:
    """This script in another process."""

    def __init__(self, role: str, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, role, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """What it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process of this benchmark ended")
        return line.strip()

    def go_on(self) -> None:
        """Answer its `input()`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Hang up, and wait for it."""
        self._process.communicate()


def wait_for(what: str, is_so: Any) -> None:
    """Look until it is."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain: {what}")
        time.sleep(0.02)


def index_once(home: Path, pointer: SqlitePointer) -> None:
    """The indexer's process would do this: one snapshot of the whole catalogue."""
    stop, snapshots = threading.Event(), open_snapshots(settings_of(home), pointer)
    thread = threading.Thread(target=run_indexer, args=(settings_of(home), stop))
    thread.start()
    wait_for("the first snapshot", lambda: snapshots.pointed(DrawnNet.space) is not None)
    stop.set()
    thread.join()


def one_run(home: Path) -> dict[str, float]:
    """Quantiles of the delay in seconds, of a search in ms, and upserts in ms."""
    stop, children = threading.Event(), [writer := Child("write", home)]
    try:
        writer.line()
        children.append(Child("embed", home))
        pointer = SqlitePointer(Database(home / REGISTRY))
        wait_for("the embedder", lambda: Spaces(pointer).read()[0])
        begun = time.perf_counter()
        wait_for("the catalogue's vectors", lambda: _complete(pointer))
        embedding_s = time.perf_counter() - begun
        index_once(home, pointer)
        with open_embeddings(home, read_only=True) as topic:
            net = DrawnNet()
            replica = Replica(topic, open_snapshots(settings_of(home), pointer), lambda: net)
            replica.refresh()
            follower = threading.Thread(target=replica.follow_until, args=(stop,))
            follower.start()
            writer.go_on()
            searching = _search_beside(replica)
            took = float(writer.line())
            head = round(RATE * (SECONDS + WARM_S))
            wait_for("the last change", lambda: replica.freshness.count >= 0.99 * head)
            figures = {
                "p50": replica.freshness.quantile(0.5),
                "p99": replica.freshness.quantile(0.99),
                "max": replica.freshness.quantile(1.0),
                "search_p50_ms": searching[0],
                "search_p99_ms": searching[1],
                "written_per_s": head / took,
                "embedded_per_s": ITEMS / embedding_s,
            }
            stop.set()
            follower.join()
            live = replica.live
            assert live is not None
            figures |= _seen_here(live.index)
        pointer.close()
        return figures
    finally:
        stop.set()
        for child in children:
            child.close()


def _complete(pointer: SqlitePointer) -> bool:
    spaces, _ = Spaces(pointer).read()
    return any(space.complete_at is not None for space in spaces.values())


def _search_beside(replica: Replica[Any]) -> tuple[float, float]:
    """Search at its rate while changes come; p50 and p99 in ms from when each was due."""
    rng, spent = np.random.default_rng(3), []
    queries = rng.normal(size=(1000, DIMENSION)).astype(np.float32)
    begun = time.perf_counter()
    for number in range(round(SEARCHES * (SECONDS + WARM_S))):
        due = begun + number / SEARCHES
        time.sleep(max(0.0, due - time.perf_counter()))
        live = replica.live
        assert live is not None
        live.index.search(queries[number % 1000][None], 500)
        spent.append(time.perf_counter() - due)
    return _quantiles_ms(spent[round(SEARCHES * WARM_S) :])


def _seen_here(index: Any) -> dict[str, float]:
    """From before an item is put, and is deleted, until a search has it and has it no more, in ms.

    Its vector is so long that it is the nearest to itself of all.
    """
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(CHANGED, DIMENSION)).astype(np.float32) * 100
    spent: dict[str, list[float]] = {"upsert": [], "delete": []}
    for number, vector in enumerate(vectors):
        one = f"new{number}"
        for what, change in (
            ("upsert", partial(index.upsert, [one], vector[None])),
            ("delete", partial(index.delete, [one])),
        ):
            begun = time.perf_counter()
            change()
            (hits,) = index.search(vector[None], 1)
            spent[what].append(time.perf_counter() - begun)
            if (hits.ids == [one]) != (what == "upsert"):
                raise SystemExit(f"a search does not know of the {what} of an item")
    return {
        f"{what}_{share}_ms": value
        for what, seconds in spent.items()
        for share, value in zip(("p50", "p99"), _quantiles_ms(seconds), strict=True)
    }


def _quantiles_ms(seconds: Sequence[float]) -> tuple[float, float]:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    return float(p50), float(p99)


def main() -> None:
    bench = Bench("serving-live-catalogue", "From an item's change to a search", runs=3)
    runs = []
    for number in range(bench.runs):
        print(f"run {number + 1} of {bench.runs}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            runs.append(one_run(Path(temporary)))
    name = f"live/{RATE:.0f} changes a second, {SEARCHES:.0f} searches beside"
    for what, key, unit, target in (
        (f"{name}, change to retrievable", "", "s", P99_S),
        (f"{name}, search", "search_", "ms", None),
        ("live/upsert and find it in the process", "upsert_", "ms", SEEN_MS),
        ("live/delete and find it no more in the process", "delete_", "ms", SEEN_MS),
    ):
        for share, least in (("p50", None), ("p99", target)):
            suffix = "_ms" if unit == "ms" else ""
            values = [run[f"{key}{share}{suffix}"] for run in runs]
            bench.add_tail(f"{what}, {share}", values, unit=unit, target=least)
    bench.add_tail(f"{name}, change to retrievable, slowest", [r["max"] for r in runs], unit="s")
    values = [run["written_per_s"] for run in runs]
    bench.add("live/changes written", values, unit="1/s", higher_is_better=True, target=0.98 * RATE)
    values = [run["embedded_per_s"] for run in runs]
    bench.add("live/whole catalogue embedded", values, unit="items/s", higher_is_better=True)
    bench.finish()


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["embed"]:
        embed(Path(sys.argv[2]))
    else:
        main()
