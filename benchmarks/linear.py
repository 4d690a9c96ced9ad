"""Item-to-item models tuned on training rows, judged once, beside popularity."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import Bench
from palate.data.split import Split
from palate.evaluate.compare import compare
from palate.evaluate.comparison import Row
from palate.evaluate.protocol import Protocol
from palate.evaluate.tune import tune
from palate.models.base import Recommender
from palate.models.config import Dimension
from palate.models.popular import Popular
from palate.stats import bootstrap_mean

__all__ = ["Ground", "judge"]


@dataclass(frozen=True)
class Ground:
    """A data set and what is measured on it.

    Attributes:
        name: Of the data set.
        k: Places that count.
        metrics: The first is what configs are chosen by.
        trials: Configs tried, by model.
        targets: By metric; the best of the models is asked to reach them.
        spaces: What is searched in place of the model's own space.
    """

    name: str
    k: int
    metrics: tuple[str, ...]
    trials: dict[type[Recommender[Any]], int]
    targets: dict[str, float]
    spaces: dict[type[Recommender[Any]], dict[str, Dimension]] = field(default_factory=dict)


def judge(
    bench: Bench, ground: Ground, split: Split, with_defaults: Sequence[type[Recommender[Any]]]
) -> None:
    """Tune what is to be tuned on the training part, fit on all of it, judge on the test."""
    protocol = Protocol(split=None, k=ground.k, metrics=ground.metrics)
    models: dict[str, Recommender[Any]] = {"popular": Popular()}
    models |= {cls.name: cls() for cls in with_defaults}
    for cls, trials in ground.trials.items():
        space = ground.spaces.get(cls)
        best: Any = tune(cls, split.train, trials=trials, protocol=protocol, space=space).best
        models[cls.name] = cls(best)
        print(f"{ground.name}: {best!r}", file=sys.stderr)
    comparison = compare(models, split, protocol)
    for row in comparison.rows:
        _on_board(bench, ground, row)
    for metric, target in ground.targets.items():
        _best(bench, ground, comparison.rows, metric, target)


def _on_board(bench: Bench, ground: Ground, row: Row) -> None:
    if row.judgement is None:
        raise SystemExit(f"{row.name} on {ground.name} failed: {row.error}")
    for metric in ground.metrics:
        interval = row.judgement.intervals[metric]
        bench.add(
            f"{ground.name}/{row.name}/{metric}@{ground.k}",
            interval.estimate,
            higher_is_better=True,
            interval=(interval.low, interval.high),
        )


def _best(bench: Bench, ground: Ground, rows: Sequence[Row], metric: str, target: float) -> None:
    """The figure of whichever model has the highest."""
    name, values = max(
        ((row.name, row.judgement.per_user[metric]) for row in rows if row.judgement is not None),
        key=lambda each: float(bootstrap_mean(each[1]).estimate),
    )
    interval = bootstrap_mean(values)
    bench.add(
        f"{ground.name}/best linear model ({name})/{metric}@{ground.k}",
        interval.estimate,
        higher_is_better=True,
        interval=(interval.low, interval.high),
        target=target,
    )
