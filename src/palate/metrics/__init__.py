"""How good recommendations are: one metric per file, by name in `registry`."""

from palate.metrics.frames import ranking_metrics, rating_metrics
from palate.metrics.ranking import Ranking, mean_of
from palate.metrics.registry import METRICS, Family, Metric, MetricAt, metric, parse
from palate.metrics.relevant import Relevant
from palate.metrics.similarity import Cosine, ItemSimilarity
from palate.metrics.slates import Slates

__all__ = [
    "METRICS",
    "Cosine",
    "Family",
    "ItemSimilarity",
    "Metric",
    "MetricAt",
    "Ranking",
    "Relevant",
    "Slates",
    "mean_of",
    "metric",
    "parse",
    "ranking_metrics",
    "rating_metrics",
]
