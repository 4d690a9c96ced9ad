"""The laws of `Recommender`, over the deep models that learn from touched items."""

from __future__ import annotations

import pytest

from palate.models.lightgcn import LightGCN, LightGCNConfig
from palate.models.multvae import MultVAE, MultVAEConfig
from palate.models.ncf import NCF, NCFConfig
from palate.testing.checkerboard import checkerboard
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance

pytestmark = pytest.mark.usefixtures("one_thread")


class DeepConformance(ModelConformance):
    fits: dict[str, AnyModel] = {}  # noqa: RUF012 (a cache of the whole module)

    @pytest.fixture
    def fitted(self) -> AnyModel:
        """Fitted once for all tests: none of them changes it."""
        key = repr(self.model)
        if key not in self.fits:
            self.fits[key] = self.fit(checkerboard())
        return self.fits[key]


class TestMultVAE(DeepConformance):
    model = MultVAE(MultVAEConfig(K=8, epochs=40, batch_size=16, learning_rate=0.01))


class TestMultVAEHidden(DeepConformance):
    model = MultVAE(
        MultVAEConfig(
            K=8,
            hidden=(16, 12),
            epochs=40,
            batch_size=16,
            learning_rate=0.01,
            validation=0.0,
        )
    )


class TestGMF(DeepConformance):
    model = NCF(
        NCFConfig(parts="gmf", d=8, epochs=60, batch_size=16, learning_rate=0.02, validation=0.0)
    )


class TestMLP(DeepConformance):
    model = NCF(
        NCFConfig(
            parts="mlp",
            layers=(32, 32),
            sigma=0.5,
            epochs=60,
            batch_size=16,
            learning_rate=0.02,
            validation=0.0,
        )
    )


class TestNeuMF(DeepConformance):
    model = NCF(
        NCFConfig(d=8, layers=(16, 8), epochs=20, batch_size=16, learning_rate=0.02, refit=False)
    )


class TestLightGCN(DeepConformance):
    model = LightGCN(LightGCNConfig(d=8, epochs=20, batch_size=16, learning_rate=0.02))


class TestLightGCNPairs(DeepConformance):
    model = LightGCN(
        LightGCNConfig(K=1, d=8, loss="bpr", epochs=30, batch_size=16, learning_rate=0.02)
    )
