"""The manifest: what it says, what it refuses, and that it names nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from palate.data.dataset import Dataset
from palate.errors import NotFittedError, ReleaseError
from palate.models.base import Recommender
from palate.release.manifest import Manifest, Metric, describe
from palate.stats.interval import Interval

MakeModel = Callable[..., Recommender[Any]]


def test_it_says_where_the_model_comes_from(make_model: MakeModel, dataset: Dataset) -> None:
    manifest = describe(
        make_model(), dataset, name="movies", metrics={"ndcg@10": 0.25}, protocol="abc"
    )
    assert manifest.ref == "movies:1"
    assert manifest.model == "fixed"
    assert manifest.config == {"scores": [], "nan": False}
    assert (manifest.data.rows, manifest.data.users, manifest.data.items) == (3, 2, 3)
    assert manifest.data.window_from == datetime(2024, 5, 1, tzinfo=UTC)
    assert manifest.data.window_to == datetime(2024, 5, 3, tzinfo=UTC)
    assert manifest.data.checksum == dataset.checksum
    assert manifest.metrics["ndcg@10"] == Metric(estimate=0.25)
    assert manifest.schema_ == dataset.schema


def test_json_gives_the_same_manifest_back_and_names_nobody(
    make_model: MakeModel, dataset: Dataset
) -> None:
    metrics = {"ndcg@10": Interval(0.3, 0.2, 0.4, 0.95)}
    manifest = describe(make_model(), dataset, name="movies", metrics=metrics)
    text = manifest.to_json()
    assert Manifest.model_validate_json(text) == manifest
    assert manifest.metrics["ndcg@10"] == Metric(estimate=0.3, low=0.2, high=0.4, level=0.95)
    assert '"schema"' in text
    assert "anna" not in text
    assert "bert" not in text


def test_data_without_times_has_no_window(make_model: MakeModel) -> None:
    timeless = Dataset.from_frames(pl.DataFrame({"user_id": ["u"], "item_id": ["i"]}))
    manifest = describe(make_model(), timeless, name="movies")
    assert (manifest.data.window_from, manifest.data.window_to) == (None, None)


@pytest.mark.parametrize(
    "name", ["", "Movies", "a:b", "../etc", ".hidden", "-x", "a/b", "a" * 65, "movies\n"]
)
def test_an_impossible_name_is_refused(make_model: MakeModel, dataset: Dataset, name: str) -> None:
    with pytest.raises(ReleaseError, match="cannot be the name of a release"):
        describe(make_model(), dataset, name=name)


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_is_refused(
    make_model: MakeModel, dataset: Dataset, figure: float
) -> None:
    with pytest.raises(ReleaseError, match=r"metric 'ndcg@10' is (nan|inf)"):
        describe(make_model(), dataset, name="movies", metrics={"ndcg@10": figure})


def test_a_model_that_is_not_fitted_is_refused(make_model: MakeModel, dataset: Dataset) -> None:
    fresh = type(make_model())()
    with pytest.raises(NotFittedError):
        describe(fresh, dataset, name="movies")
