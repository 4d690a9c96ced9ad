"""Judge one fitted model on one test part: a number a user, means with intervals, costs."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np

from palate.data.dataset import Dataset
from palate.evaluate.ground import Ground
from palate.evaluate.judgement import Judgement
from palate.evaluate.lists import Lists, ask
from palate.evaluate.protocol import Protocol
from palate.evaluate.ratings import rating_figures
from palate.metrics import Ranking, Slates, metric
from palate.models.base import Recommender
from palate.stats import bootstrap_means
from palate.types import Float64Array

__all__ = ["CATALOGUE_METRICS", "SLATE_METRICS", "judge", "judge_lists"]

SLATE_METRICS: Final = ("novelty", "diversity", "serendipity", "popularity", "popularity_lift")
CATALOGUE_METRICS: Final = ("catalogue_coverage", "distributional_coverage", "gini")


def judge(
    model: Recommender[Any], train: Dataset, test: Dataset, protocol: Protocol | None = None
) -> Judgement:
    """Judge `model` on what the users of `test` did, given what they did in `train`.

    The model is not fitted here. It may know other items than the data do, as a release that
    was trained on an older window does: a test item that it does not know is a miss, not an
    omission.

    Args:
        model: Fitted, or loaded.
        train: Where the users' histories are read. Its interactions must not be in `test`.
        test: The right answers.
        protocol: The default `Protocol()` if None; its split is not looked at.

    Raises:
        DataError: The test part is empty, nothing in it is relevant, or the model's answer is
            malformed.
        NotFittedError: The model has learned nothing yet.
    """
    ground = Ground(train, test, protocol if protocol is not None else Protocol())
    return judge_lists(model, ask(model, ground), ground)


def judge_lists(model: Recommender[Any], lists: Lists, ground: Ground) -> Judgement:
    """Judge answers that `model` gave already; it is asked again only for ratings.

    Raises:
        DataError: Nothing in the test part is relevant.
    """
    protocol = ground.protocol
    ranking = Ranking(lists.recommended, ground.relevant)
    slates = Slates(
        lists.recommended,
        ground.histories,
        popularity=ground.popularity,
        similarity=ground.similarity,
        ranking=ranking,
    )
    per_user = {name: _values(name, ranking, protocol.k) for name in protocol.metrics}
    per_user |= {name: _values(name, slates, protocol.k) for name in SLATE_METRICS}
    intervals = bootstrap_means(
        # Nobody got a list: then nothing is known of what lists are like, and it is left out.
        {name: values for name, values in per_user.items() if not np.isnan(values).all()},
        level=protocol.level,
        rounds=protocol.rounds,
        seed=protocol.seed,
    )
    return Judgement(
        users=ground.users,
        recommended=lists.recommended,
        per_user=per_user,
        intervals=intervals,
        figures=_figures(model, slates, ground),
        recommend_s=lists.seconds,
        empty_slates=int((lists.recommended < 0).all(axis=1).sum()),
        nan_scores=lists.nan_scores,
    )


def _values(name: str, lists: Ranking | Slates, k: int) -> Float64Array:
    return cast("Float64Array", metric(name).function(lists, k))


def _figures(model: Recommender[Any], slates: Slates, ground: Ground) -> dict[str, float]:
    """Numbers of the model as a whole; those that are not defined are left out."""
    figures = {
        name: float(metric(name).function(slates, ground.protocol.k)) for name in CATALOGUE_METRICS
    }
    if "ratings" in model.capabilities:
        figures |= rating_figures(model, ground)
    return {name: value for name, value in figures.items() if np.isfinite(value)}
