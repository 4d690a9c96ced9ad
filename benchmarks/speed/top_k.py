"""Lists for every user from 64 factors, against implicit.

Ours folds every user in from the history and then ranks; implicit looks users' factors up
(`lists`), or computes them from the history as we do (`lists, users folded in`). Both rank
all items exactly.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from factorisation_peers import IMPLICIT
from factorisation_speed import K, measured
from harness import Bench, Side

TARGET = 1.5
FACTORS = 64
TIMES = {"ml-1m": 5, "gowalla-lightgcn": 1}  # a run is the median of so many


def main() -> None:
    bench = Bench("speed-top-k", "Lists for every user, 64 factors")
    for data, k in K.items():
        common = {"iterations": 2, "k": k, "times": TIMES[data]}
        ours, theirs = (json.dumps(common | {name: FACTORS}) for name in ("f", "factors"))
        sides = {
            "ours": Side("als_palate.py", arguments=(ours,)),
            "peer": Side("als_implicit.py", IMPLICIT, (theirs,)),
        }
        runs = measured(bench, data, sides)
        for words, key in (("lists", "top_s"), ("lists, users folded in", "folded_top_s")):
            bench.compare(
                f"top-k/{data}/{words}",
                [run["top_s"] for run in runs["ours"]],
                [run[key] for run in runs["peer"]],
                peer=IMPLICIT,
                unit="s",
                target=TARGET,
            )
    bench.finish()


if __name__ == "__main__":
    main()
