"""The laws of `Recommender`, over all models of the shelf and their main settings."""

from __future__ import annotations

from palate.models.blend import Blend, BlendConfig, Member
from palate.models.contentknn import ContentKNN, ContentKNNConfig
from palate.models.ease import EASE, EASEConfig
from palate.models.itemknn import ItemKNN, ItemKNNConfig
from palate.models.popular import Popular, PopularConfig
from palate.models.sar import SAR, SARConfig
from palate.testing.models import ModelConformance


class TestPopular(ModelConformance):
    model = Popular()
    personal = False


class TestPopularLately(ModelConformance):
    model = Popular(PopularConfig(count="weights", half_life_days=2.0))
    personal = False


class TestSAR(ModelConformance):
    model = SAR()


class TestSARSparse(ModelConformance):
    model = SAR(SARConfig(neighbours=12, similarity="cosine", half_life_days=None))


class TestSARNormalised(ModelConformance):
    model = SAR(SARConfig(normalise=True))


class TestItemKNN(ModelConformance):
    model = ItemKNN()


class TestItemKNNCosine(ModelConformance):
    model = ItemKNN(ItemKNNConfig(weighting="cosine", binary=False))


class TestItemKNNTFIDF(ModelConformance):
    model = ItemKNN(ItemKNNConfig(weighting="tfidf", K=9, h=10.0))


class TestItemKNNBM25(ModelConformance):
    model = ItemKNN(ItemKNNConfig(weighting="bm25", binary=False))


class TestEASE(ModelConformance):
    model = EASE(EASEConfig(lambda_=20.0))


class TestContentKNN(ModelConformance):
    model = ContentKNN()


class TestContentKNNTextOnly(ModelConformance):
    model = ContentKNN(ContentKNNConfig(attributes=("title", "kind"), binary=True))


class TestBlend(ModelConformance):
    model = Blend()


class TestBlendRanks(ModelConformance):
    model = Blend(
        BlendConfig(
            members={
                "taste": Member(model="itemknn", weight=3.0, config={"K": 10}),
                "content": Member(model="contentknn"),
                "hits": Member(model="popular", weight=0.1),
            },
            combine="ranks",
        )
    )
