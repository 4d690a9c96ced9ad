"""RBM: predicted ratings on MovieLens 1M's folds, and what is touched on MovieLens 100K.

Softmax units run with their defaults, which were chosen with fold 2 as validation and fold 1
out of sight; binary units are tuned on a part of the training data. In both, the model sees
training rows alone, and the history that it answers from is the training part's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, data_folder
from inputs import stratified75
from palate.data import Dataset
from palate.evaluate.compare import compare
from palate.evaluate.protocol import Protocol
from palate.evaluate.tune import tune
from palate.metrics.rmse import rmse
from palate.models.config import Choice, Dimension, Range
from palate.models.popular import Popular
from palate.models.rbm import RBM
from palate.stats import bootstrap_difference

RMSE_TARGET: Final = 0.88
CHOSEN_ON: Final = 2  # the fold whose rows judged the defaults
POPULARITY: Final = 0.252  # NDCG@10 that the issue names
TRIALS: Final = 20
SPACE: Final[dict[str, Dimension]] = {
    "visible": Choice(("binary",)),
    "F": Range(10, 200, log=True, integer=True),
    "epochs": Range(10, 100, log=True, integer=True),
    "batch": Choice((10, 30, 100)),
    "epsilon": Range(0.01, 0.5, log=True),
    "decay": Range(1e-4, 3e-2, log=True),
}


def main() -> None:
    bench = Bench("accuracy-rbm", "RBM: ratings (softmax units) and ranking (binary units)", runs=1)
    ratings(bench)
    ranking(bench)
    bench.finish()


def ratings(bench: Bench) -> None:
    """RMSE over the five folds of ml-1m, each predicted from the other four."""
    rows = pl.read_parquet(data_folder("ml-1m") / "ml-1m" / "interactions.parquet")
    whole = Dataset.from_frames(
        rows.select("user_id", "item_id", value="rating", timestamp=pl.col("order") + 1)
    )
    found = {}
    for fold in sorted(rows["cv_fold"].unique()):
        held_out = rows["cv_fold"] == fold
        train = whole.with_interactions(whole.interactions.filter(~held_out))
        test = whole.interactions.filter(held_out)
        predicted = RBM().fit(train).score(test.select("user_id", "item_id"))
        unknown = np.isnan(predicted)
        predicted[unknown] = train.histories.values.mean()
        found[fold] = rmse(test["value"].to_numpy(), predicted)
        print(f"fold {fold}: {found[fold]:.4f}, {int(unknown.sum())} unpredicted", file=sys.stderr)
    name = "ml-1m/cv_fold/softmax rbm/RMSE"
    bench.add(f"{name} of each fold", list(found.values()), higher_is_better=False)
    means = {
        "mean of five folds": list(found.values()),
        f"mean without fold {CHOSEN_ON}": [v for fold, v in found.items() if fold != CHOSEN_ON],
    }
    for what, values in means.items():
        bench.add(
            f"{name}, {what}", float(np.mean(values)), higher_is_better=False, target=RMSE_TARGET
        )


def ranking(bench: Bench) -> None:
    """NDCG@10 on ml-100k against popularity, paired by user."""
    split = stratified75("ml-100k")
    protocol = Protocol(split=None, k=10, metrics=("ndcg",))
    best: Any = tune(RBM, split.train, trials=TRIALS, protocol=protocol, space=SPACE).best
    print(f"ml-100k: {best!r}", file=sys.stderr)
    comparison = compare({"popular": Popular(), "rbm": RBM(best)}, split, protocol)
    values = {}
    for row in comparison.rows:
        if row.judgement is None:
            raise SystemExit(f"{row.name} failed: {row.error}")
        interval = row.judgement.intervals["ndcg"]
        values[row.name] = row.judgement.per_user["ndcg"]
        bench.add(
            f"ml-100k/{row.name}/NDCG@10",
            interval.estimate,
            higher_is_better=True,
            interval=(interval.low, interval.high),
            target=POPULARITY if row.name == "rbm" else None,
        )
    ahead = bootstrap_difference(values["rbm"], values["popular"])
    bench.add(
        "ml-100k/rbm less popular/NDCG@10, lower end of the interval",
        ahead.low,
        higher_is_better=True,
        interval=(ahead.low, ahead.high),
        target=0.0,
    )


if __name__ == "__main__":
    main()
