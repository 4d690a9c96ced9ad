"""SAR on MovieLens 1M: from ratings to ten items for every user, against recommenders."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side
from inputs import export, stratified75
from peers import RECOMMENDERS

TARGET = 6.0


def main() -> None:
    bench = Bench("speed-sar", "SAR, MovieLens 1M: ratings in, ten items for every user out")
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        inputs = Path(temporary)
        export(stratified75("ml-1m"), inputs)
        sides = {
            "ours": Side("sar_palate.py"),
            "peer": Side("sar_recommenders.py", RECOMMENDERS),
        }
        runs = bench.in_turn(sides, inputs)
    ours, peer = runs["ours"], runs["peer"]
    bench.compare(
        "sar/ml-1m/ratings to recommendations",
        [run["seconds"] for run in ours],
        [run["seconds"] for run in peer],
        peer=RECOMMENDERS,
        unit="s",
        target=TARGET,
    )
    bench.compare(
        "sar/ml-1m/recommend",
        [run["recommend_s"] for run in ours],
        [run["recommend_s"] for run in peer],
        peer=RECOMMENDERS,
        unit="s",
    )
    # The peer's fit numbers users and items, which our side does while it reads.
    bench.compare(
        "sar/ml-1m/read and fit",
        [run["read_s"] + run["fit_s"] for run in ours],
        [run["fit_s"] for run in peer],
        peer=RECOMMENDERS,
        unit="s",
    )
    bench.add("sar/ml-1m/fit", [run["fit_s"] for run in ours], unit="s", higher_is_better=False)
    bench.finish()


main()
