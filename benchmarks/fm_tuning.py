"""How the defaults of the recommender `fm` were chosen: `tune` on MovieLens 100K's training part.

The search starts from plain settings rather than from the defaults, so that nothing of what
was believed before has a part in it; the validation part is a quarter of the training rows.
The test part is not read. What is printed is rounded and becomes `FMRecommenderConfig`.

python benchmarks/fm_tuning.py --trials 24 --seed 20261122
"""

from __future__ import annotations

import argparse
from typing import Any

from pydantic import Field

from inputs import stratified75
from palate.evaluate.protocol import Protocol
from palate.evaluate.tune import tune
from palate.models.config import Choice, Dimension, Range
from palate.models.fm_recommender import FMRecommender, FMRecommenderConfig

SPACE: dict[str, Dimension] = {
    "k": Choice((8, 16, 32, 64)),
    "eta": Range(0.03, 0.3, log=True),
    "lambda_v": Range(1e-4, 5e-2, log=True),
    "alpha": Range(0.2, 1.0),
    "negatives": Range(2, 8, log=True, integer=True),
    "beta": Range(0.05, 1.0),
    "epochs": Range(5, 30, log=True, integer=True),
}


class PlainConfig(FMRecommenderConfig):
    """What an FM is started with where nothing is known."""

    k: int = Field(default=16, ge=1)
    eta: float = Field(default=0.1, gt=0)
    lambda_v: float = Field(default=1e-3, ge=0)
    alpha: float = Field(default=0.5, ge=0, le=1)
    negatives: int = Field(default=4, ge=1)
    beta: float = Field(default=0.5, gt=0, le=1)
    epochs: int = Field(default=10, ge=1)


class Plain(FMRecommender):
    """The model, begun from plain settings."""

    Config = PlainConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    protocol = Protocol(split=None, metrics=("ndcg",))
    found: Any = tune(
        Plain,
        stratified75("ml-100k").train,
        trials=options.trials,
        seed=options.seed,
        protocol=protocol,
        space=SPACE,
        progress=lambda done, total, what: print(f"{done} of {total}: {what}", flush=True),
    )
    for row in found.to_frame().head(8).iter_rows(named=True):
        print(f"NDCG {row['quality']:.4f}, {row['fit_s']:.0f} s to fit: {row['config']}")


if __name__ == "__main__":
    main()
