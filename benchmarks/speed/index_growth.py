"""Latency, memory and build time of the index from 0.1 to 5 million items."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side
from index_vectors import clustered, export

SIZES = (100_000, 500_000, 2_000_000, 5_000_000)
FIGURES = (
    ("build", "build_cpu_s", "s"),
    ("search p50", "p50_ms", "ms"),
    ("search p99", "p99_ms", "ms"),
)
LINEAR = 1.15  # an exponent above it is more than linear


def main() -> None:
    bench = Bench("speed-index-growth", "Growth with the number of items", runs=1)
    found: dict[str, dict[int, float]] = {}
    for n in SIZES:
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            export(clustered(n), Path(temporary))
            side = Side("index_palate.py", arguments=(json.dumps({}),))
            (run,) = bench.in_turn({"ours": side}, Path(temporary))["ours"]
        for figure, key, unit in (*FIGURES, ("index memory", "memory_mib", "MiB")):
            value = float(np.median(run[key]))
            found.setdefault(figure, {})[n] = value
            bench.add(f"{figure}/{n:,} items", value, unit=unit, higher_is_better=False)
        bench.add(f"recall@500/{n:,} items", run["recall"], higher_is_better=True)
    for figure, values in found.items():
        slope, _ = np.polyfit(np.log(list(values)), np.log(list(values.values())), 1)
        bench.add(
            f"{figure}/exponent",
            float(slope),
            higher_is_better=False,
            target=None if figure == "build" else LINEAR,
        )
    bench.finish()


if __name__ == "__main__":
    main()
