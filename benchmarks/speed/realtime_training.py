"""Training of the real-time nets from Parquet: examples a second a core, and flat memory.

The table is as wide as that of the cars (a profile of some 300 numbers, twenty recent items) and
its numbers are drawn; one thread, products in bfloat16, recent items from the index. Memory is
what the process holds at most beside the start, with a table of one size and of four times that.

    python benchmarks/speed/realtime_training.py --json FILE
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side

TARGET: Final = 30_000
ROWS: Final = 200_000
FLAT_MIB: Final = 64.0


def main() -> None:
    bench = Bench("speed-realtime_training", "Training of the real-time nets", runs=3)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        sides = {
            str(times): Side("realtime_training.py", None, (str(times * ROWS),)) for times in (1, 4)
        }
        found = bench.in_turn(sides, folder)
    one, four = found["1"], found["4"]
    for figure in ("rows_per_s", "rows_per_cpu_s"):
        per = "second" if figure == "rows_per_s" else "processor second"
        bench.add(
            f"cars/examples a {per}",
            [run[figure] for run in one],
            unit="1/s",
            higher_is_better=True,
            target=TARGET if figure == "rows_per_cpu_s" else None,
        )
    grown = [b["peak_mib"] - a["peak_mib"] for a, b in zip(one, four, strict=True)]
    bench.add(
        "cars/memory that four times the examples add",
        grown,
        unit="MiB",
        higher_is_better=False,
        target=FLAT_MIB,
    )
    bench.finish()


if __name__ == "__main__":
    main()
