"""Compare models: fit each on train alone, judge all on the same test, order them honestly."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from palate.data.dataset import Dataset
from palate.data.split import Split
from palate.errors import ConfigError, DataError
from palate.evaluate.comparison import Background, Comparison, DataCard, Pair, Row
from palate.evaluate.environment import this_environment
from palate.evaluate.failures import FAILURES, in_words
from palate.evaluate.ground import Ground
from palate.evaluate.judge import judge_lists
from palate.evaluate.lists import ask
from palate.evaluate.peak_memory import measure_memory
from palate.evaluate.protocol import Protocol
from palate.evaluate.warm_up import warm_up
from palate.models.base import Recommender
from palate.stats import bootstrap_means, holm, paired_t, sign_flip
from palate.types import Float64Array, Progress

__all__ = ["compare"]

Models: TypeAlias = Mapping[str, Recommender[Any]] | Sequence[Recommender[Any]]

FEW_USERS = 100  # below it the t-test's normal mean is doubtful, and sign flips are cheap


def compare(
    models: Models,
    data: Dataset | Split,
    protocol: Protocol | None = None,
    *,
    refit: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Fit and judge `models` on one protocol.

    A model that raises is a row with its error. Seconds are wall clock, with kernels compiled
    before (see `warm_up`). Memory is the peak of fit and recommend above the start (see
    `peak_memory`).

    Args:
        models: By name, or a sequence of models with distinct registered names. They are
            fitted here, whatever they learned before, unless `refit` is false.
        data: A dataset, cut as the protocol says, or two parts cut by the caller (the
            protocol on record then says so).
        refit: False judges models as they are, such as a release on what happened after its
            data; it is then the caller's to know that they never saw the test part.
        protocol: The default `Protocol()` if None.
        progress: Told of every model.

    Raises:
        ConfigError: There is no model, two have one name, or nothing says how to split.
        DataError: The data cannot be split so, or no user has a relevant test item.
    """
    started_at = datetime.now(UTC)
    named = _named(models)
    split, protocol = _cut(data, protocol if protocol is not None else Protocol())
    ground = Ground(split.train, split.test, protocol)
    ground.settle()
    background = _background(ground)
    rows = []
    for done, (name, model) in enumerate(named.items()):
        if progress is not None:
            progress(done, len(named), name)
        rows.append(_judged_row(name, model, ground, refit=refit))
    if progress is not None:
        progress(len(named), len(named), "done")
    ordered = _ordered(rows, protocol.main)
    return Comparison(
        rows=tuple(ordered),
        pairs=tuple(_pairs(ordered, protocol)),
        protocol=protocol,
        data=_card(split),
        background=background,
        environment=this_environment(),
        started_at=started_at,
        fitted={row.name: named[row.name] for row in ordered if row.judgement is not None},
    )


def _named(models: Models) -> dict[str, Recommender[Any]]:
    if isinstance(models, Mapping):
        named = dict(models)
    else:
        named = {model.name: model for model in models}
        if len(named) != len(models):
            names = [model.name for model in models]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ConfigError(
                f"two models are called {', '.join(twice)}",
                hint="pass a mapping with names of your own: {'sar-30d': ..., 'sar-90d': ...}",
            )
    if not named:
        raise ConfigError("there is no model to compare", hint="name at least one")
    if len({id(model) for model in named.values()}) != len(named):
        raise ConfigError(
            "one model object stands under two names", hint="make an object for each name"
        )
    return named


def _cut(data: Dataset | Split, protocol: Protocol) -> tuple[Split, Protocol]:
    if isinstance(data, Split):
        return data, protocol.model_copy(update={"split": None})
    if protocol.split is None:
        raise ConfigError("the protocol does not say how to split", hint="pass a Split, or set one")
    return protocol.split.split(data), protocol


def _background(ground: Ground) -> Background:
    train, test = ground.train, ground.test
    if train.item_vocabulary != test.item_vocabulary:
        raise DataError(
            "train and test number their items differently",
            hint="cut both from one dataset with palate.data.split",
        )
    return Background(
        activity=np.diff(ground.histories.indptr),
        train_counts=np.bincount(train.histories.items, minlength=train.n_items),
        test_counts=np.bincount(test.histories.items, minlength=train.n_items),
    )


def _judged_row(name: str, model: Recommender[Any], ground: Ground, *, refit: bool) -> Row:
    config = model.config.model_dump(mode="json")
    fit_s = None
    if refit:
        warm_up(model, ground.train, ground.protocol.k)
    try:
        with measure_memory() as memory:
            if refit:
                start = time.perf_counter()
                model.fit(ground.train)
                fit_s = time.perf_counter() - start
            lists = ask(model, ground)
        judgement = judge_lists(model, lists, ground)
    except FAILURES as error:
        return Row(name, model.name, config, fit_s=fit_s, error=in_words(error))
    return Row(name, model.name, config, fit_s, memory.mib, judgement)


def _ordered(rows: Sequence[Row], main: str) -> list[Row]:
    """Best first, equals in the order given, failures last."""
    return sorted(
        rows,
        key=lambda row: (
            row.judgement is None,
            0.0 if row.judgement is None else -row.judgement.intervals[main].estimate,
        ),
    )


def _pairs(rows: Sequence[Row], protocol: Protocol) -> list[Pair]:
    """Every two judged models, with intervals from one set of draws, and Holm over all."""
    values = {
        row.name: row.judgement.per_user[protocol.main] for row in rows if row.judgement is not None
    }
    both = list(combinations(values, 2))
    if not both:
        return []
    columns = {str(at): values[a] - values[b] for at, (a, b) in enumerate(both)}
    intervals = bootstrap_means(
        columns, level=protocol.level, rounds=protocol.rounds, seed=protocol.seed
    )
    p_values = holm([_p_value(values[a], values[b], protocol.seed) for a, b in both])
    return [Pair(a, b, intervals[str(at)], float(p_values[at])) for at, (a, b) in enumerate(both)]


def _p_value(a: Float64Array, b: Float64Array, seed: int) -> float:
    """Student's paired test over users; sign flips where there are few."""
    if int((~np.isnan(a)).sum()) < FEW_USERS:
        return sign_flip(a, b, seed=seed).p_value
    return paired_t(a, b).p_value


def _card(split: Split) -> DataCard:
    train, test = split.train, split.test
    checksum = hashlib.sha256(f"{train.checksum}\n{test.checksum}".encode()).hexdigest()
    return DataCard(train.name, checksum, train.n_users, train.n_items, len(train), len(test))
