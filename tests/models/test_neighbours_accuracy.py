"""SLIM, RP3beta, RBM and FM on MovieLens 100K, the 75/25 split of `recommenders`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from palate.data.sources import source
from palate.data.split import Split, split_given
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.models.fm_recommender import FMRecommender
from palate.models.rbm import RBM, RBMConfig
from palate.models.rp3beta import RP3beta, RP3betaConfig
from palate.models.slim import SLIM, SLIMConfig
from palate.testing.model_files import AnyModel

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def split(palate_data: Path) -> Split:
    folder = palate_data / "ml-100k"
    marks = pl.read_parquet(folder / "split_stratified75.parquet")
    return split_given(source("ml-100k").read(folder), marks)


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (SLIM(SLIMConfig(lambda_=0.3, beta=370.0)), 0.47),
        (RP3beta(RP3betaConfig(alpha=0.55, K=150)), 0.42),
        (RBM(RBMConfig(visible="binary", epochs=30, epsilon=0.1)), 0.40),
        (FMRecommender(), 0.46),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_lists(split: Split, model: AnyModel, least: float) -> None:
    protocol = Protocol(split=None, metrics=("ndcg",))
    found = judge(model.fit(split.train), split.train, split.test, protocol).intervals["ndcg"]
    assert found.estimate >= least


def test_expected_ratings(split: Split) -> None:
    fitted = RBM(RBMConfig(epochs=20)).fit(split.train)
    found = judge(fitted, split.train, split.test, Protocol(split=None, metrics=("ndcg",)))
    assert found.figures["rmse"] <= 0.97
