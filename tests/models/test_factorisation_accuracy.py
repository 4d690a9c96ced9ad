"""Factor models on MovieLens 100K, the 75/25 split of the `recommenders` benchmark."""

from __future__ import annotations

import pytest

from palate.data import Dataset
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.models.als import ALS, ALSConfig
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.models.bpr import BPR, BPRConfig
from palate.models.puresvd import PureSVD, PureSVDConfig
from palate.models.svd import SVD
from palate.testing.model_files import AnyModel

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    ("model", "ndcg"),
    [
        (PureSVD(PureSVDConfig(f=16)), 0.46),
        (ALS(ALSConfig(f=32, lambda_=0.015)), 0.48),
        (BPR(BPRConfig(lambda_=0.02)), 0.46),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_lists(parts: tuple[Dataset, Dataset], model: AnyModel, ndcg: float) -> None:
    train, test = parts
    protocol = Protocol(split=None, metrics=("ndcg",))
    found = judge(model.fit(train), train, test, protocol).intervals["ndcg"]
    assert found.estimate >= ndcg


@pytest.mark.parametrize(
    ("model", "rmse"),
    [(SVD(), 0.925), (ExplicitALS(ExplicitALSConfig(lambda_=0.12)), 0.92)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_ratings(parts: tuple[Dataset, Dataset], model: AnyModel, rmse: float) -> None:
    train, test = parts
    found = judge(model.fit(train), train, test, Protocol(split=None, metrics=("ndcg",)))
    assert found.figures["rmse"] <= rmse
    assert found.figures["unpredicted_ratings"] == 0
