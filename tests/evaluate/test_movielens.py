"""On MovieLens 100K: the published figures of SAR, and the order that everybody finds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from palate.data import Dataset
from palate.data.split import split_given
from palate.evaluate import Protocol, compare, tune
from palate.models.ease import EASE
from palate.models.popular import Popular
from palate.models.sar import SAR

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def ml100k(palate_data: Path) -> Dataset:
    rows = pl.read_parquet(palate_data / "ml-100k" / "interactions.parquet")
    return Dataset.from_frames(rows, columns={"value": "rating"}, name="MovieLens 100K")


def test_published_figures_and_order(ml100k: Dataset, palate_data: Path) -> None:
    marks = pl.read_parquet(palate_data / "ml-100k" / "split_stratified75.parquet")
    comparison = compare([Popular(), SAR(), EASE()], split_given(ml100k, marks))
    assert [row.name for row in comparison.rows] == ["ease", "sar", "popular"]
    judgement = comparison.row("sar").judgement
    assert judgement is not None
    found = {name: judgement.intervals[name].estimate for name in judgement.intervals}
    assert found["ndcg"] == pytest.approx(0.393819, abs=1e-6)
    assert found["map"] == pytest.approx(0.114038, abs=1e-6)
    assert found["precision"] == pytest.approx(0.340615, abs=1e-6)
    assert found["recall"] == pytest.approx(0.185377, abs=1e-6)
    assert all(pair.p_value < 0.001 for pair in comparison.pairs)


def test_tuning_does_not_lose_to_the_defaults(ml100k: Dataset) -> None:
    tuning = tune(EASE, ml100k, trials=4, protocol=Protocol(rounds=50))
    default, best = tuning.trials[0].quality, tuning.to_frame()["quality"][0]
    assert default is not None
    assert best >= default.estimate
