"""Accuracy of the factorisation models, users folded in from their histories throughout.

MovieLens 100K and 1M on the 75/25 split by item, the NCF paper's leave one out, Gowalla in
the LightGCN paper's split, and five folds of MovieLens 1M beside scikit-surprise.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import factorisation_settings as settings
from factorisation_peers import SURPRISE
from harness import Bench, Side
from inputs import stratified75
from palate.data import Dataset
from palate.data.split import Random, Split
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.models.als import ALS
from palate.models.als_explicit import ExplicitALS
from palate.models.base import Recommender
from palate.models.bpr import BPR
from palate.models.puresvd import PureSVD
from palate.models.svd import SVD, SVDConfig
from sets import SampledTest, export_rows, folds, gowalla, ncf_test

RANKED = {
    "ml-100k": {"puresvd": 0.46, "als": 0.46, "bpr": 0.44},
    "ml-1m": {"puresvd": None, "als": None, "bpr": 0.385},
}
RATED = {
    "ml-100k": {"svd": 0.943, "explicit_als": None},
    "ml-1m": {"svd": 0.884, "explicit_als": 0.859},
}
GOWALLA = {"als": (0.17, 0.14), "bpr": (0.129, 0.110)}
NCF = (0.71, 0.435)
FOLDS = 0.874


def main() -> None:
    bench = Bench("accuracy-factorisation", "Factorisation models", runs=1)
    for name in ("ml-100k", "ml-1m"):
        movielens(bench, name)
    sampled(bench, ncf_test())
    checkins(bench, gowalla())
    five_folds(bench, folds())
    bench.finish()


def model(name: str, data: str) -> Recommender[Any]:
    """With the settings chosen for these data."""
    if name == "puresvd":
        return PureSVD(settings.PURESVD[data])
    if name == "als":
        return ALS(settings.ALS[data])
    if name == "bpr":
        return BPR(settings.BPR[data])
    return SVD(settings.SVD[data]) if name == "svd" else ExplicitALS(settings.EXPLICIT_ALS[data])


def movielens(bench: Bench, data: str) -> None:
    split = stratified75(data)
    protocol = Protocol(split=None, k=10, metrics=("ndcg", "map", "precision", "recall"))
    for name, target in (RANKED[data] | RATED[data]).items():
        found = judge(model(name, data).fit(split.train), split.train, split.test, protocol)
        if name in RATED[data]:
            figure = found.figures["rmse"]
            bench.add(f"{data}/{name}/rmse", figure, higher_is_better=False, target=target)
            continue
        for metric in protocol.metrics:
            interval = found.intervals[metric]
            bench.add(
                f"{data}/{name}/{metric}@10",
                interval.estimate,
                higher_is_better=True,
                interval=(interval.low, interval.high),
                target=target if metric == "ndcg" else None,
            )


def sampled(bench: Bench, test: SampledTest) -> None:
    """Hit rate and NDCG at 10 among 100 items; an equal score counts as before ours."""
    als = ALS(settings.NCF_ALS).fit(test.train)
    ranks = np.empty(len(test.users), np.int64)
    for start in range(0, len(ranks), 500):
        part = slice(start, start + 500)
        scores = als.score_histories(test.train.histories.select(test.users[part]))
        rows = np.arange(len(scores))
        ours = scores[rows, test.items[part]]
        for row in rows:
            others = np.setdiff1d(test.others[start + row], test.items[start + row])
            ranks[start + row] = (scores[row, others] >= ours[row]).sum()
    hit = ranks < 10
    gain = np.where(hit, 1 / np.log2(ranks + 2), 0.0)
    for metric, figure, target in zip(("hit rate", "ndcg"), (hit, gain), NCF, strict=True):
        bench.add(
            f"ml-1m ncf_test/als/{metric}@10", figure.mean(), higher_is_better=True, target=target
        )


def checkins(bench: Bench, split: Split) -> None:
    protocol = Protocol(split=None, k=20, metrics=("recall", "ndcg"))
    for name, targets in GOWALLA.items():
        fitted = model(name, "gowalla-lightgcn").fit(split.train)
        found = judge(fitted, split.train, split.test, protocol)
        for metric, target in zip(protocol.metrics, targets, strict=True):
            interval = found.intervals[metric]
            bench.add(
                f"gowalla-lightgcn/{name}/{metric}@20",
                interval.estimate,
                higher_is_better=True,
                interval=(interval.low, interval.high),
                target=target,
            )


def chosen_within(train: Dataset) -> SVDConfig:
    """The settings that a tenth of the training rows judges best; no other row is looked at."""
    split = Random(test_ratio=0.1, seed=0).split(train)
    protocol = Protocol(split=None)

    def error(config: SVDConfig) -> float:
        fitted = SVD(config).fit(split.train)
        return judge(fitted, split.train, split.test, protocol).figures["rmse"]

    best = min(settings.FOLD_SVD, key=error)
    print(f"this fold's settings: {best!r}", file=sys.stderr, flush=True)
    return best


def five_folds(bench: Bench, splits: list[Split]) -> None:
    """Mean RMSE of both sides on the same rows; the peer with its own defaults."""
    ours, theirs = [], []
    protocol = Protocol(split=None)
    for split in splits:
        fitted = SVD(chosen_within(split.train)).fit(split.train)
        ours.append(judge(fitted, split.train, split.test, protocol).figures["rmse"])
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            folder = Path(temporary)
            export_rows(split, folder)
            theirs.append(
                bench.in_turn({"peer": Side("svd_surprise.py", SURPRISE)}, folder)["peer"][0][
                    "rmse"
                ]
            )
    bench.add(
        "ml-1m cv_fold/svd/rmse",
        statistics.fmean(ours),
        higher_is_better=False,
        target=FOLDS,
        peer=(SURPRISE, statistics.fmean(theirs)),
    )


if __name__ == "__main__":
    main()
