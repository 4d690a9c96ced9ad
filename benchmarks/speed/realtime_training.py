"""Training of the real-time nets from Parquet: examples a second a core, and flat memory.

The table is as wide as that of the cars (a profile of some 300 numbers, twenty recent items) and
its numbers are drawn; one thread. The nets are as they are by default: with products in bfloat16
where the processor has instructions for it (`precision="auto"`), and recent items as the index has
them. Apart: in float32, and with recent items that learn in each step beside that
(`recent_gradient=True`). Memory is what the process holds at most beside the start, with tables of
0.2, 1 and 3 million examples.

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
OTHERS: Final = {"float32": "in float32", "recent": "in float32, recent items learn in each step"}


def main() -> None:
    bench = Bench("speed-realtime_training", "Training of the real-time nets", runs=3)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        found = bench.in_turn({how: side(ROWS, how) for how in ("default", *OTHERS)}, folder)
        few = found["default"]
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
    for how, said in OTHERS.items():
        bench.add(
            f"cars/examples a processor second, {said}",
            [run["rows_per_cpu_s"] for run in found[how]],
            unit="1/s",
            higher_is_better=True,
        )
    name = "cars/a step of a plain Python loop beside it"
    bench.add(name, [run["step_ns"] for run in few], unit="ns", higher_is_better=False)
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


def side(rows: int, how: str = "default") -> Side:
    """Ours, over a table of so many examples, by the settings of a name."""
    return Side("realtime_training.py", None, (str(rows), how))


if __name__ == "__main__":
    main()
