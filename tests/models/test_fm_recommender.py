"""FM as a recommender: the laws, and its formula."""

from __future__ import annotations

from palate.models.fm_recommender import FMRecommender, FMRecommenderConfig
from palate.testing.models import ModelConformance


class TestFMRecommender(ModelConformance):
    model = FMRecommender(FMRecommenderConfig(k=8, epochs=60))


class TestFMRecommenderIdsOnly(ModelConformance):
    model = FMRecommender(FMRecommenderConfig(k=8, epochs=60, attributes=("kind",), alpha=0.0))
