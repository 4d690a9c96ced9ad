"""SLIM and RP3beta on Gowalla, the LightGCN paper's split: the linear side of its table.

Both are tuned on a part of the training data, then judged once on the test part.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from linear import Ground, judge
from palate.models.config import Range
from palate.models.rp3beta import RP3beta
from palate.models.slim import SLIM
from sets import gowalla

GOWALLA: Final = Ground(
    "gowalla-lightgcn",
    20,
    ("ndcg", "recall"),
    {SLIM: 3, RP3beta: 8},
    {"recall": 0.17, "ndcg": 0.14},
    {SLIM: {"lambda_": Range(0.5, 3.0, log=True), "beta": Range(10.0, 100.0, log=True)}},
)


def main() -> None:
    bench = Bench("accuracy-checkins", "SLIM and RP3beta on Gowalla, all items ranked", runs=1)
    judge(bench, GOWALLA, gowalla(), ())
    bench.finish()


if __name__ == "__main__":
    main()
