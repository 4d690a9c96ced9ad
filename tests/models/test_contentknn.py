"""ContentKNN: what looks alike is alike, and nobody needs to have touched it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.config import Attribute, Schema
from palate.data import Dataset
from palate.errors import DataError
from palate.models.contentknn import ContentKNN, ContentKNNConfig
from palate.testing.rows import dataset, history
from palate.types import AttributeKind

ITEMS = pl.DataFrame(
    {
        "item_id": ["bmw-a", "bmw-b", "vw-a", "vw-b", "vw-cold"],
        "make": ["BMW", "BMW", "VW", "VW", "VW"],
        "price": [30_000.0, 32_000.0, 5_000.0, 6_000.0, 5_500.0],
    }
)


def cars(items: pl.DataFrame = ITEMS) -> Dataset:
    return dataset([("u", "bmw-a", 1.0, 0.0), ("v", "vw-a", 1.0, 0.0)], items)


def test_recommends_what_nobody_touched() -> None:
    model = ContentKNN().fit(cars())
    assert model.recommend(["v"], 2)["item_id"].to_list() == ["vw-cold", "vw-b"]
    assert model.recommend(["u"], 1)["item_id"].to_list() == ["bmw-b"]


def test_scores_are_cosines_for_a_history_of_one() -> None:
    model = ContentKNN().fit(cars())
    got = model.score_histories(history([0], 5))[0]
    features = model._features.matrix().toarray()
    np.testing.assert_allclose(got, features @ features[0], rtol=1e-12)
    assert got[0] == pytest.approx(1.0)
    assert got.argmax() == 0


def test_a_weight_of_an_attribute_is_its_part_of_the_cosine() -> None:
    config = ContentKNNConfig(weights={"make": 3.0, "price": 1.0}, bins=2)
    model = ContentKNN(config).fit(cars())
    both = model.score_histories(history([0], 5))[0]
    make = ContentKNN(ContentKNNConfig(attributes=("make",))).fit(cars())
    price = ContentKNN(ContentKNNConfig(attributes=("price",), bins=2)).fit(cars())
    one = history([0], 5)
    expected = (3 * make.score_histories(one)[0] + price.score_histories(one)[0]) / 4
    np.testing.assert_allclose(both, expected, rtol=1e-12)


def test_explains_by_what_is_alike() -> None:
    data = dataset(
        [("u", "bmw-a", 1.0, 0.0), ("u", "vw-a", 1.0, 0.0), ("v", "vw-b", 1.0, 0.0)], ITEMS
    )
    reasons = ContentKNN().fit(data).explain("u", "vw-cold")
    assert reasons[0].item_id == "vw-a"
    assert reasons[0].share > 0.9


def test_an_item_that_says_nothing_scores_zero() -> None:
    blank = pl.DataFrame({"item_id": ["blank"], "make": [None], "price": [None]})
    model = ContentKNN().fit(cars(pl.concat([ITEMS, blank], how="vertical_relaxed")))
    row = model.vocabulary.row("blank")
    assert model.score_histories(history([0], 6))[0, row] == 0.0
    assert model.similar_items(["blank"]).is_empty()


def test_items_without_attributes_are_refused() -> None:
    with pytest.raises(DataError, match="no attribute"):
        ContentKNN().fit(dataset([("u", "a", 1.0, 0.0)]))


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(DataError, match="'colour'"):
        ContentKNN(ContentKNNConfig(attributes=("colour",))).fit(cars())
    with pytest.raises(DataError, match="'colour'"):
        ContentKNN(ContentKNNConfig(weights={"colour": 1.0})).fit(cars())
    with pytest.raises(DataError, match="at least 0"):
        ContentKNN(ContentKNNConfig(weights={"make": -1.0})).fit(cars())


def test_only_images_are_not_enough() -> None:
    data = Dataset.from_frames(
        pl.DataFrame({"user_id": ["u"], "item_id": ["a"]}),
        items=pl.DataFrame({"item_id": ["a"], "picture": ["a.png"]}),
        schema=Schema(items={"picture": Attribute(kind=AttributeKind.IMAGE)}),
    )
    with pytest.raises(DataError, match="no attribute"):
        ContentKNN().fit(data)
