"""Names of metrics: `ndcg@10` in settings or on the command line becomes a function and a k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from palate.errors import ConfigError
from palate.metrics.auc import auc
from palate.metrics.average_precision import average_precision
from palate.metrics.catalogue_coverage import catalogue_coverage
from palate.metrics.distributional_coverage import distributional_coverage
from palate.metrics.diversity import diversity
from palate.metrics.explained_variance import explained_variance
from palate.metrics.gauc import gauc
from palate.metrics.gini import gini
from palate.metrics.hit_rate import hit_rate
from palate.metrics.log_loss import log_loss
from palate.metrics.mae import mae
from palate.metrics.ndcg import ndcg
from palate.metrics.ndcg_graded import ndcg_graded
from palate.metrics.novelty import novelty
from palate.metrics.popularity import popularity
from palate.metrics.popularity_lift import popularity_lift
from palate.metrics.precision import precision
from palate.metrics.r2 import r2
from palate.metrics.r_precision import r_precision
from palate.metrics.ranking import Ranking
from palate.metrics.recall import recall
from palate.metrics.reciprocal_rank import reciprocal_rank
from palate.metrics.rmse import rmse
from palate.metrics.serendipity import serendipity
from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = [
    "CATALOGUE",
    "METRICS",
    "RANKING",
    "RATING",
    "SCORES",
    "SLATES",
    "CatalogueFunction",
    "Family",
    "Metric",
    "MetricAt",
    "RankingFunction",
    "RatingFunction",
    "ScoreFunction",
    "SlateFunction",
    "metric",
    "parse",
]

RankingFunction: TypeAlias = Callable[[Ranking, int], Float64Array]
SlateFunction: TypeAlias = Callable[[Slates, int], Float64Array]
CatalogueFunction: TypeAlias = Callable[[Slates, int], float]
RatingFunction: TypeAlias = Callable[[Float64Array, Float64Array], float]
ScoreFunction: TypeAlias = Callable[..., float]
FunctionT = TypeVar("FunctionT", covariant=True)


class Family(StrEnum):
    """What a metric is called with, and whether it gives one value a user."""

    RANKING = "ranking"  # (Ranking, k) -> (n_users,) float64
    SLATES = "slates"  # (Slates, k) -> (n_users,) float64, beyond accuracy
    CATALOGUE = "catalogue"  # (Slates, k) -> float, beyond accuracy
    RATING = "rating"  # (truth, predicted) -> float
    SCORES = "scores"  # (labels, scores) -> float; gauc takes (users, labels, scores)


@dataclass(frozen=True, slots=True)
class Metric(Generic[FunctionT]):
    """A metric by name.

    Attributes:
        name: As in settings, without a cut-off.
        family: How it is called.
        function: What to call.
        higher_is_better: Its direction.
        description: One line.
    """

    name: str
    family: Family
    function: FunctionT
    higher_is_better: bool
    description: str

    @property
    def at_k(self) -> bool:
        """Whether it looks at the first k places only."""
        return self.family in (Family.RANKING, Family.SLATES, Family.CATALOGUE)

    @property
    def per_user(self) -> bool:
        """Whether it gives one value a user, which bootstrap and paired tests need."""
        return self.family in (Family.RANKING, Family.SLATES)


@dataclass(frozen=True, slots=True)
class MetricAt:
    """A metric with its cut-off, as `parse` reads it.

    Attributes:
        metric: Which.
        k: Places that count, or None where the metric has no cut-off.
    """

    metric: Metric[Callable[..., Float64Array | float]]
    k: int | None

    @property
    def label(self) -> str:
        """`ndcg@10`, or `rmse`."""
        return self.metric.name if self.k is None else f"{self.metric.name}@{self.k}"


def _by_name(
    family: Family, rows: list[tuple[str, FunctionT, bool, str]]
) -> dict[str, Metric[FunctionT]]:
    return {row[0]: Metric(row[0], family, row[1], row[2], row[3]) for row in rows}


UP, DOWN = True, False

RANKING: dict[str, Metric[RankingFunction]] = _by_name(
    Family.RANKING,
    [
        ("precision", precision, UP, "Share of the k places that went to relevant items."),
        ("recall", recall, UP, "Share of the relevant items that the k places found."),
        ("r_precision", r_precision, UP, "Precision after as many places as relevant items."),
        ("ndcg", ndcg, UP, "Hits discounted by place, against the best list possible."),
        ("ndcg_graded", ndcg_graded, UP, "NDCG with a gain of 2^grade - 1."),
        ("map", average_precision, UP, "Mean precision at the hits, over all relevant items."),
        ("mrr", reciprocal_rank, UP, "One over the place of the first hit."),
        ("hit_rate", hit_rate, UP, "Share of users with at least one hit."),
    ],
)
SLATES: dict[str, Metric[SlateFunction]] = _by_name(
    Family.SLATES,
    [
        ("diversity", diversity, UP, "One minus the mean similarity within a list."),
        ("novelty", novelty, UP, "Mean -log2 of the items' popularity, in bits."),
        ("serendipity", serendipity, UP, "Relevant, and unlike the user's history."),
        ("popularity", popularity, DOWN, "Mean number of users who know what is shown."),
        ("popularity_lift", popularity_lift, DOWN, "Popularity over the user's own, minus one."),
    ],
)
CATALOGUE: dict[str, Metric[CatalogueFunction]] = _by_name(
    Family.CATALOGUE,
    [
        ("catalogue_coverage", catalogue_coverage, UP, "Share of the catalogue ever shown."),
        ("distributional_coverage", distributional_coverage, UP, "Entropy of exposure, in bits."),
        ("gini", gini, DOWN, "Inequality of exposure among items."),
    ],
)
RATING: dict[str, Metric[RatingFunction]] = _by_name(
    Family.RATING,
    [
        ("rmse", rmse, DOWN, "Root mean squared error of ratings."),
        ("mae", mae, DOWN, "Mean absolute error of ratings."),
        ("r2", r2, UP, "Squared error against that of the mean rating."),
        ("explained_variance", explained_variance, UP, "R² with a constant error forgiven."),
    ],
)
SCORES: dict[str, Metric[ScoreFunction]] = _by_name(
    Family.SCORES,
    [
        ("auc", auc, UP, "Chance that a positive outranks a negative, over all users."),
        ("gauc", gauc, UP, "AUC within each user, weighted by impressions."),
        ("log_loss", log_loss, DOWN, "Negative log likelihood of the outcomes."),
    ],
)
METRICS: dict[str, Metric[Callable[..., Float64Array | float]]] = {
    **RANKING,
    **SLATES,
    **CATALOGUE,
    **RATING,
    **SCORES,
}
"""All of them, in the order in which reports list them."""


def metric(name: str) -> Metric[Callable[..., Float64Array | float]]:
    """The metric called `name`, without a cut-off.

    >>> metric("gini").higher_is_better
    False

    Raises:
        ConfigError: There is none.
    """
    if name not in METRICS:
        raise ConfigError(f"no metric is called {name!r}", hint=f"one of {', '.join(METRICS)}")
    return METRICS[name]


def parse(text: str, *, k: int = 10) -> MetricAt:
    """Read `ndcg@10`, or `ndcg` with the default `k`.

    >>> parse("ndcg@5").label, parse("map", k=20).label, parse("rmse").label
    ('ndcg@5', 'map@20', 'rmse')

    Raises:
        ConfigError: No such metric, a cut-off that is no number from 1, or one where the
            metric has none.
    """
    name, at, places = text.partition("@")
    found = metric(name)
    if not at:
        return MetricAt(found, k if found.at_k else None)
    if not found.at_k:
        raise ConfigError(f"{text!r}: {name} has no cut-off", hint=f"write {name}")
    if not (places.isascii() and places.isdigit()) or int(places) < 1:
        raise ConfigError(f"{text!r}: the cut-off is no number from 1", hint=f"write {name}@10")
    return MetricAt(found, int(places))
