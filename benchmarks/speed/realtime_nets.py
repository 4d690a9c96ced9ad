"""What serving the real-time nets costs: one user, 500 candidates ranked, items a second.

Nets of the default size, fitted for an epoch on a small marketplace: what they answer does not
matter here. One thread, one call at a time, medians of many.

    python benchmarks/speed/realtime_nets.py --json FILE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.data.generated.cars import Cars
from palate.models.realtime import Nets, Realtime, RealtimeConfig

CALLS: Final = 500
RANKED: Final = 500
ITEMS: Final = 2048
BATCH: Final = 256  # of the embedder


def median_us(call: Callable[[], object], calls: int = CALLS) -> float:
    """Of one call, in microseconds."""
    call()
    took = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - start)
    return float(np.median(took)) / 1e3


def figures(nets: Nets, cars: Cars) -> dict[str, float]:
    """Of one run."""
    rows = cars.items.head(ITEMS)
    ids, attributes = rows["item_id"].to_list(), rows.drop("item_id").to_dicts()
    items = nets.embed_items(ids, attributes)
    assert nets.layout is not None
    profile = np.zeros(nets.layout.size, np.float32)
    context = {"timestamp": 1_700_000_000_000_000}
    features = nets.request_features(context, RANKED)
    user = nets.embed_user(profile, items[:20], context)
    start = time.perf_counter()
    for at in range(0, ITEMS, BATCH):
        nets.embed_items(ids[at : at + BATCH], attributes[at : at + BATCH])
    return {
        "items": ITEMS / (time.perf_counter() - start),
        "user": median_us(lambda: nets.embed_user(profile, items[:20], context)),
        "rank": median_us(lambda: nets.rank(user, items[:RANKED], features)),
    }


def main() -> None:
    bench = Bench("speed-realtime_nets", "The real-time nets as they are served", runs=3)
    cars = Cars(n_items=3_000, n_visitors=500)
    config = RealtimeConfig(epochs=1, validation=0.0)
    nets = Realtime(config).fit(cars.dataset(10)).nets
    runs = [figures(nets, cars) for _ in range(bench.runs)]
    bench.add("embed a user", [run["user"] for run in runs], unit="us", higher_is_better=False)
    bench.add(
        f"rank {RANKED} items", [run["rank"] for run in runs], unit="us", higher_is_better=False
    )
    bench.add(
        f"embed items from raw attributes, {BATCH} at a time",
        [run["items"] for run in runs],
        unit="1/s",
        higher_is_better=True,
    )
    bench.finish()


if __name__ == "__main__":
    main()
