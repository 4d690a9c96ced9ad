"""The last stages: the same candidates in a better order, one reranker a file.

They stand in the settings in the order in which they make sense: freshness changes the keys
that mmr reads, spread keeps what mmr chose, and nothing may move what explore has drawn.
"""

from palate.pipeline.rerank.base import order_by, ranked
from palate.pipeline.rerank.explore import Explore, Explored
from palate.pipeline.rerank.freshness import Freshness
from palate.pipeline.rerank.mmr import MaximalMarginalRelevance
from palate.pipeline.rerank.spread import Spread

__all__ = [
    "Explore",
    "Explored",
    "Freshness",
    "MaximalMarginalRelevance",
    "Spread",
    "order_by",
    "ranked",
]
