"""Cost and memory of iALS, BPR, SVD and top-k as rows grow from 100 thousand to 20 million.

Rows are drawn as in a growing service: users and items in proportion, both by popularity.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 20_000_000)
ROWS_A_USER, ROWS_AN_ITEM = 50, 500
LINEAR = 1.15  # an exponent above it is more than linear


def main() -> None:
    bench = Bench("speed-factorisation-growth", "Growth with the number of rows", runs=1)
    found: dict[str, dict[int, float]] = {}
    for n in SIZES:
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            generate(n, Path(temporary))
            figures = bench.in_turn({"ours": Side("growth_palate.py")}, Path(temporary))["ours"][0]
        for name, value in figures.items():
            found.setdefault(name, {})[n] = value
            unit = "MiB" if name.endswith("memory") else "s"
            bench.add(f"{name}/{n:,} rows", value, unit=unit, higher_is_better=False)
    for name, values in found.items():
        bench.add(f"{name}/exponent", exponent(values), higher_is_better=False, target=LINEAR)
    bench.finish()


def exponent(values: dict[int, float]) -> float:
    """The slope of the line through the logarithms of rows and values; 1 is linear."""
    slope, _ = np.polyfit(np.log(list(values)), np.log(list(values.values())), 1)
    return float(slope)


def generate(n: int, folder: Path) -> None:
    """`train.npz`: distinct pairs, popularity falling with the rank of user and item."""
    rng = np.random.default_rng(n)
    n_users, n_items = max(1000, n // ROWS_A_USER), max(500, n // ROWS_AN_ITEM)
    drawn = int(1.3 * n)
    users = (n_users * rng.random(drawn) ** 1.5).astype(np.int64)
    items = (n_items * rng.random(drawn) ** 2).astype(np.int64)
    pairs = np.unique(users * n_items + items)
    pairs = rng.permutation(pairs)[:n]
    np.savez(
        folder / "train.npz",
        user=(pairs // n_items).astype(np.int32),
        item=(pairs % n_items).astype(np.int32),
        rating=rng.integers(1, 6, len(pairs)).astype(np.float32),
    )


if __name__ == "__main__":
    main()
