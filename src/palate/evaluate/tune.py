"""Seeded search for a model's config, on a validation part cut from training data alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from palate.data.dataset import Dataset
from palate.data.split import Split
from palate.errors import ConfigError, PalateError
from palate.evaluate.failures import FAILURES, in_words
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.evaluate.search import propose
from palate.models.base import Recommender
from palate.models.config import Dimension, ModelConfig
from palate.stats import Interval
from palate.types import Progress

__all__ = ["Trial", "Tuning", "tune"]

EXPLORE = 0.5  # share of the trials drawn anywhere, before those about the best
DRAWS = 100  # draws that may repeat an earlier config before the space counts as exhausted


@dataclass(frozen=True, slots=True)
class Trial:
    """One config on the validation part.

    Attributes:
        number: From 0, which has the defaults.
        config: All hyperparameters.
        quality: Of the metric; None where the config failed.
        fit_s: Seconds to fit; None where it failed.
        error: Why it failed.
    """

    number: int
    config: Mapping[str, Any]
    quality: Interval | None
    fit_s: float | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a search found.

    Attributes:
        model: The model's registered name.
        metric: What was maximised, as people write it.
        best: The best config; fit it on all training data, then judge it on the test.
        trials: In the order they ran. Their qualities are those of the validation part: the
            best of many is flattered by chance, so it is no estimate of the test's.
        protocol: With the split that cut the validation part.
    """

    model: str
    metric: str
    best: ModelConfig
    trials: tuple[Trial, ...]
    protocol: Protocol

    def to_frame(self) -> pl.DataFrame:
        """One row a trial, best first: number, quality, low, high, fit_s, error, config (JSON)."""
        rows = [
            {
                "number": trial.number,
                "quality": None if trial.quality is None else trial.quality.estimate,
                "low": None if trial.quality is None else trial.quality.low,
                "high": None if trial.quality is None else trial.quality.high,
                "fit_s": trial.fit_s,
                "error": trial.error,
                "config": json.dumps(trial.config, default=str),
            }
            for trial in self.trials
        ]
        schema = {
            "number": pl.Int64,
            **dict.fromkeys(("quality", "low", "high", "fit_s"), pl.Float64),
            **dict.fromkeys(("error", "config"), pl.String),
        }
        return pl.DataFrame(rows, schema=schema).sort(
            "quality", descending=True, nulls_last=True, maintain_order=True
        )


def tune(
    model_class: type[Recommender[Any]],
    train: Dataset,
    *,
    trials: int = 20,
    seed: int = 42,
    protocol: Protocol | None = None,
    metric: str | None = None,
    space: Mapping[str, Dimension] | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Find the config of `model_class` that does best on a part of `train`.

    The test part has no place in this signature: whoever tunes on it reports a figure that
    the next data will not give. The first trial has the defaults, half of the trials draw
    from the whole space, the rest mostly near the best so far. Same seed, same trials.

    Args:
        model_class: Its `Config.space` is searched.
        train: The training part; the validation part is cut from it as the protocol cuts.
        trials: At most so many; fewer where the space has no more configs.
        seed: Of the search.
        protocol: The default `Protocol()` if None.
        metric: One of the protocol's; its main one by default.
        space: Dimensions to search in place of the model's own.
        progress: Told of every trial.

    Raises:
        ConfigError: The space is empty or names no field of the config, trials is below 1, or
            the protocol does not measure the metric.
        PalateError: Every trial failed.
    """
    protocol = protocol if protocol is not None else Protocol()
    metric = protocol.named_metric(metric)
    dimensions = _space(model_class, space)
    if trials < 1:
        raise ConfigError(f"{trials} trials; at least 1 is needed")
    split = protocol.validation.split(train)
    protocol = protocol.model_copy(update={"split": protocol.validation})
    search = _Search(model_class, dimensions, np.random.default_rng(seed), trials)
    while (config := search.next()) is not None:
        if progress is not None:
            progress(len(search.trials), trials, f"{model_class.name} trial {len(search.trials)}")
        search.trials.append(_run(len(search.trials), model_class, config, split, protocol, metric))
    if progress is not None:
        progress(trials, trials, "done")
    best = search.best()
    if best is None:
        raise PalateError(
            f"all {len(search.trials)} trials of {model_class.name} failed; the first: "
            f"{search.trials[0].error}",
            hint="correct the data, or narrow the space",
        )
    return Tuning(
        model_class.name,
        protocol.label(metric),
        model_class.Config.model_validate(best.config),
        tuple(search.trials),
        protocol,
    )


class _Search:
    """Configs in the order they are tried, none twice."""

    def __init__(
        self,
        model_class: type[Recommender[Any]],
        space: Mapping[str, Dimension],
        rng: np.random.Generator,
        trials: int,
    ) -> None:
        self.trials: list[Trial] = []
        self._class, self._space, self._rng, self._most = model_class, space, rng, trials
        self._seen: set[str] = set()

    def next(self) -> ModelConfig | None:
        """The next config; None when there have been enough or no new one is found."""
        if len(self.trials) >= self._most:
            return None
        if not self.trials:
            return self._fresh(self._class.Config())
        best = self.best() if len(self.trials) >= EXPLORE * self._most else None
        for _ in range(DRAWS):
            drawn = propose(self._space, None if best is None else best.config, self._rng)
            try:
                config = self._class.Config.model_validate(drawn)
            except ValidationError:
                continue  # two values that do not go together; another draw may
            if (fresh := self._fresh(config)) is not None:
                return fresh
        return None

    def best(self) -> Trial | None:
        """The trial with the highest quality, the earlier of equals."""
        judged = [(t.quality.estimate, -t.number, t) for t in self.trials if t.quality is not None]
        return max(judged, key=lambda each: each[:2])[2] if judged else None

    def _fresh(self, config: ModelConfig) -> ModelConfig | None:
        key = config.model_dump_json()
        if key in self._seen:
            return None
        self._seen.add(key)
        return config


def _space(
    model_class: type[Recommender[Any]], space: Mapping[str, Dimension] | None
) -> dict[str, Dimension]:
    dimensions = dict(model_class.Config.space if space is None else space)
    if not dimensions:
        raise ConfigError(
            f"{model_class.name} declares no space to search",
            hint=f"set {model_class.Config.__name__}.space, or pass space=...",
        )
    unknown = sorted(set(dimensions) - set(model_class.Config.model_fields))
    if unknown:
        raise ConfigError(
            f"{model_class.name} has no hyperparameter {', '.join(unknown)}",
            hint=f"it has {', '.join(model_class.Config.model_fields)}",
        )
    return dimensions


def _run(
    number: int,
    model_class: type[Recommender[Any]],
    config: ModelConfig,
    split: Split,
    protocol: Protocol,
    metric: str,
) -> Trial:
    values = config.model_dump(mode="json")
    try:
        start = time.perf_counter()
        model = model_class(config).fit(split.train)
        fit_s = time.perf_counter() - start
        judgement = judge(model, split.train, split.test, protocol)
    except FAILURES as error:
        return Trial(number, values, None, None, in_words(error))
    return Trial(number, values, judgement.intervals[metric], fit_s)
