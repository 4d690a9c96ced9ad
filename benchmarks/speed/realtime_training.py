"""Training of the real-time nets from Parquet: examples a second a core, and flat memory.

The table is as wide as that of the cars (a profile of some 300 numbers, twenty recent items) and
its numbers are drawn; one thread. The nets are of the default sizes and losses, with products in
bfloat16 and recent items as they were embedded when the epoch began (`recent_gradient=False`); one
figure is of every default, by which recent items learn in each step. Memory is what the process
holds at most beside the start, with tables of 0.2, 1 and 3 million examples.

    python benchmarks/speed/realtime_training.py --json FILE
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side

TARGET: Final = 30_000
ROWS: Final = 200_000
LARGER: Final = {"1 million": 1_000_000, "3 million": 3_000_000}
FLAT_MIB: Final = 64.0


def main() -> None:
    bench = Bench("speed-realtime_training", "Training of the real-time nets", runs=3)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        both = bench.in_turn({"fast": side(ROWS), "default": side(ROWS, "default")}, folder)
        few = both["fast"]
        many = {name: side(rows).run(folder)["peak_mib"] for name, rows in LARGER.items()}
    for figure in ("rows_per_s", "rows_per_cpu_s"):
        per = "second" if figure == "rows_per_s" else "processor second"
        bench.add(
            f"cars/examples a {per}",
            [run[figure] for run in few],
            unit="1/s",
            higher_is_better=True,
            target=TARGET if figure == "rows_per_cpu_s" else None,
        )
    bench.add(
        "cars/examples a processor second, every setting at its default",
        [run["rows_per_cpu_s"] for run in both["default"]],
        unit="1/s",
        higher_is_better=True,
    )
    least = [run["peak_mib"] for run in few]
    name = "cars/memory beside the start"
    bench.add(f"{name}, 0.2 million examples", least, unit="MiB", higher_is_better=False)
    for rows, peak in many.items():
        bench.add(f"{name}, {rows} examples", peak, unit="MiB", higher_is_better=False)
    grown = max(many.values()) - float(np.median(least))
    bench.add(
        "cars/memory that fifteen times the examples add",
        grown,
        unit="MiB",
        higher_is_better=False,
        target=FLAT_MIB,
    )
    bench.finish()


def side(rows: int, how: str = "fast") -> Side:
    """Ours, over a table of so many examples."""
    return Side("realtime_training.py", None, (str(rows), how))


if __name__ == "__main__":
    main()
