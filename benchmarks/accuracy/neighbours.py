"""SLIM, RP3beta and FM on MovieLens with the published split, all items ranked.

SLIM and RP3beta are tuned on a part of the training data; FM runs with its defaults, which
`benchmarks/fm_tuning.py` chose likewise. Each is judged once on the test part.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from inputs import stratified75
from linear import Ground, judge
from palate.models.fm_recommender import FMRecommender
from palate.models.rp3beta import RP3beta
from palate.models.slim import SLIM

MOVIELENS: Final[tuple[Ground, ...]] = (
    Ground("ml-100k", 10, ("ndcg", "recall"), {SLIM: 12, RP3beta: 20}, {}),
    Ground("ml-1m", 10, ("ndcg", "recall"), {SLIM: 5, RP3beta: 12}, {}),
)
DEFAULTS: Final[dict[str, tuple[type[Any], ...]]] = {"ml-100k": (FMRecommender,), "ml-1m": ()}


def main() -> None:
    bench = Bench("accuracy-neighbours", "SLIM, RP3beta and FM, all items ranked", runs=1)
    for ground in MOVIELENS:
        judge(bench, ground, stratified75(ground.name), DEFAULTS[ground.name])
    bench.finish()


if __name__ == "__main__":
    main()
