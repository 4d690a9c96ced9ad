"""SLIM and RP3beta: MovieLens with the published split, Gowalla with the LightGCN paper's.

Both are tuned on a part of the training data, then judged once on the test part.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, data_folder
from inputs import stratified75
from palate.data import Dataset
from palate.data.split import Split
from palate.evaluate.compare import compare
from palate.evaluate.comparison import Row
from palate.evaluate.protocol import Protocol
from palate.evaluate.tune import tune
from palate.models.base import Recommender
from palate.models.config import Dimension, Range
from palate.models.popular import Popular
from palate.models.rp3beta import RP3beta
from palate.models.slim import SLIM
from palate.stats import bootstrap_mean


@dataclass(frozen=True)
class Ground:
    """A data set with its split and what is measured on it.

    Attributes:
        name: Of the data set.
        k: Places that count.
        metrics: The first is what configs are chosen by.
        trials: Configs tried, by model.
        spaces: What is searched in place of the model's own space.
        targets: By metric; the better of the two models is asked to reach them.
    """

    name: str
    k: int
    metrics: tuple[str, ...]
    trials: dict[type[Recommender[Any]], int]
    targets: dict[str, float]
    spaces: dict[type[Recommender[Any]], dict[str, Dimension]] = field(default_factory=dict)


MOVIELENS: Final = tuple(
    Ground(name, 10, ("ndcg", "recall"), {SLIM: 20, RP3beta: 30}, {})
    for name in ("ml-100k", "ml-1m")
)
GOWALLA: Final = Ground(
    "gowalla-lightgcn",
    20,
    ("ndcg", "recall"),
    {SLIM: 5, RP3beta: 16},
    {"recall": 0.17, "ndcg": 0.14},
    {SLIM: {"lambda_": Range(0.5, 3.0, log=True), "beta": Range(10.0, 100.0, log=True)}},
)


def main() -> None:
    bench = Bench("accuracy-neighbours", "SLIM and RP3beta, all items ranked", runs=1)
    for ground in MOVIELENS:
        judge(bench, ground, stratified75(ground.name))
    judge(bench, GOWALLA, gowalla())
    bench.finish()


def gowalla() -> Split:
    """The LightGCN paper's split of Gowalla, over one vocabulary."""
    folder = data_folder("gowalla-lightgcn") / "gowalla-lightgcn"
    parts = [pl.read_parquet(folder / f"{part}.parquet") for part in ("train", "test")]
    whole = Dataset.from_frames(pl.concat(parts), name="gowalla-lightgcn")
    rows, n = whole.interactions, parts[0].height
    return Split(whole.with_interactions(rows[:n]), whole.with_interactions(rows[n:]))


def judge(bench: Bench, ground: Ground, split: Split) -> None:
    protocol = Protocol(split=None, k=ground.k, metrics=ground.metrics)
    models: dict[str, Recommender[Any]] = {"popular": Popular()}
    for cls, trials in ground.trials.items():
        space = ground.spaces.get(cls)
        best: Any = tune(cls, split.train, trials=trials, protocol=protocol, space=space).best
        models[cls.name] = cls(best)
        print(f"{ground.name}: {best!r}", file=sys.stderr)
    comparison = compare(models, split, protocol)
    for row in comparison.rows:
        on_board(bench, ground, row)
    for metric, target in ground.targets.items():
        name, values = max(
            (
                (row.name, row.judgement.per_user[metric])
                for row in comparison.rows
                if row.judgement is not None
            ),
            key=lambda each: float(bootstrap_mean(each[1]).estimate),
        )
        interval = bootstrap_mean(values)
        bench.add(
            f"{ground.name}/best linear model ({name})/{protocol.label(metric)}",
            interval.estimate,
            higher_is_better=True,
            interval=(interval.low, interval.high),
            target=target,
        )


def on_board(bench: Bench, ground: Ground, row: Row) -> None:
    if row.judgement is None or row.fit_s is None:
        raise SystemExit(f"{row.name} on {ground.name} failed: {row.error}")
    for metric in ground.metrics:
        interval = row.judgement.intervals[metric]
        bench.add(
            f"{ground.name}/{row.name}/{metric}@{ground.k}",
            interval.estimate,
            higher_is_better=True,
            interval=(interval.low, interval.high),
        )
    bench.add(f"{ground.name}/{row.name}/fit", row.fit_s, unit="s", higher_is_better=False)


if __name__ == "__main__":
    main()
