"""The laws of `Recommender`, over the real-time nets."""

from __future__ import annotations

import pytest

from palate.models.realtime import Realtime, RealtimeConfig
from palate.testing.checkerboard import checkerboard
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = RealtimeConfig(
    epochs=20,
    dropout=0.5,
    batch_size=32,
    learning_rate=0.01,
    dimension=16,
    hidden=24,
    rank_hidden=(16, 8),
    catalogue=16,
    hard=0,  # of a board of twenty items the near ones are the right ones
    recent=8,
    heads=2,
    min_count=1,
    bins=4,
    tau=0.1,
)


class RealtimeConformance(ModelConformance):
    fits: dict[str, AnyModel] = {}  # noqa: RUF012 (a cache of the whole module)

    @pytest.fixture
    def fitted(self) -> AnyModel:
        """Fitted once for all tests: none of them changes it."""
        key = repr(self.model)
        if key not in self.fits:
            self.fits[key] = self.fit(checkerboard())
        return self.fits[key]


class TestRealtime(RealtimeConformance):
    model = Realtime(QUICK)


class TestRankedByRankNet(RealtimeConformance):
    """Its probabilities order a head of one: what it learns of so few items is in test_model."""

    model = Realtime(QUICK.model_copy(update={"rerank": "always", "candidates": 1}))


class TestIdsAlone(RealtimeConformance):
    """Never dropped, since nothing else is read, and at a higher temperature.

    At a low one they learn by heart that the three who are to find an item never took it.
    """

    model = Realtime(
        QUICK.model_copy(
            update={"attributes": False, "profile": False, "tau": 0.25, "id_dropout": 0.0}
        )
    )
