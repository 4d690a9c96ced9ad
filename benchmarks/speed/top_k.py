"""Lists for every user from 64 factors, against implicit.

Ours folds every user in from the history and then ranks; implicit looks users' factors up
(`lists`), or computes them from the history as we do (`lists, users folded in`).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from factorisation_peers import IMPLICIT
from harness import Bench, Side
from inputs import stratified75
from sets import export_rows, gowalla

TARGET = 1.5
FACTORS = 64


def main() -> None:
    bench = Bench("speed-top-k", "Lists for every user, 64 factors")
    for data, k in (("ml-1m", 10), ("gowalla-lightgcn", 20)):
        common = {"iterations": 2, "k": k}
        ours, theirs = (json.dumps(common | {name: FACTORS}) for name in ("f", "factors"))
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            split = stratified75(data) if data == "ml-1m" else gowalla()
            export_rows(split, Path(temporary))
            sides = {
                "ours": Side("als_palate.py", arguments=(ours,)),
                "peer": Side("als_implicit.py", IMPLICIT, (theirs,)),
            }
            runs = bench.in_turn(sides, Path(temporary))
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
