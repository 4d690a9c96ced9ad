"""SVD on MovieLens 1M, 75/25 by item, against scikit-surprise: its defaults on both sides."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from factorisation_peers import SURPRISE
from harness import Bench, Side
from inputs import stratified75
from sets import export_rows

TARGET = 3.0
# scikit-surprise's own factors, passes, step and penalty; and our defaults beside them.
SAME = {"f": 100, "epochs": 20, "gamma": 0.005, "lambda_": 0.02, "lambda_fold": 0.09}


def main() -> None:
    bench = Bench("speed-svd", "SVD, MovieLens 1M: 100 factors", runs=3)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        export_rows(stratified75("ml-1m"), Path(temporary))
        sides = {
            "same": Side("svd_palate.py", arguments=(json.dumps(SAME),)),
            "default": Side("svd_palate.py", arguments=("{}",)),
            "peer": Side("svd_surprise.py", SURPRISE),
        }
        runs = bench.in_turn(sides, Path(temporary))
    for side, words in (("same", "20 passes"), ("default", "our defaults, 40 passes")):
        bench.compare(
            f"svd/ml-1m/fit, {words}",
            [run["fit_s"] for run in runs[side]],
            [run["fit_s"] for run in runs["peer"]],
            peer=SURPRISE,
            unit="s",
            target=TARGET if side == "same" else None,
        )
        bench.add(
            f"svd/ml-1m/rmse, {words}",
            runs[side][0]["rmse"],
            higher_is_better=False,
            target=runs["peer"][0]["rmse"],
            peer=(SURPRISE, runs["peer"][0]["rmse"]),
        )
    bench.finish()


if __name__ == "__main__":
    main()
