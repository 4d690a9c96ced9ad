"""Features of items by hand: words, categories, numbers, times, and what is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.config import Attribute, Schema
from palate.data import Dataset
from palate.models.contentknn import ContentKNNConfig
from palate.models.features import item_features
from palate.types import AttributeKind


def features(values: list[Any], attribute: Attribute, **config: Any) -> np.ndarray:
    items = pl.DataFrame({"item_id": [f"{i:03d}" for i in range(len(values))], "x": values})
    data = Dataset.from_frames(
        pl.DataFrame({"user_id": ["u"], "item_id": ["000"]}),
        items=items,
        schema=Schema(items={"x": attribute}),
    )
    found = item_features(data, data.schema.items, ContentKNNConfig(**config))
    dense: np.ndarray = found.matrix().toarray()
    return dense


def test_words_by_hand() -> None:
    text = Attribute(kind=AttributeKind.TEXT)
    got = features(["red red car", "Red boat", None], text, min_items=1)
    rare, common = np.log(3 / 2) + 1, np.log(3 / 3) + 1  # words of one and of two of two texts
    first = {"car": rare, "red": (1 + np.log(2)) * common}
    second = {"boat": rare, "red": common}
    expected = np.array([[first.get(w, 0), second.get(w, 0)] for w in ("boat", "car", "red")]).T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(got[:2], expected, rtol=1e-12)
    assert (got[2] == 0).all()


def test_rare_words_are_left_out() -> None:
    got = features(["one shared", "two shared"], Attribute(kind=AttributeKind.TEXT), min_items=2)
    assert got.tolist() == [[1.0], [1.0]]


def test_words_of_all_scripts() -> None:
    got = features(["Grüße, мир!", "grüße"], Attribute(kind=AttributeKind.TEXT), min_items=2)
    assert got.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(
    ("values", "separator"),
    [([["a", "b"], ["a"], []], None), (["a|b", "a", None], "|"), (["b|a|a", "a", ""], "|")],
)
def test_categories(values: list[Any], separator: str | None) -> None:
    kind = Attribute(kind=AttributeKind.CATEGORIES, separator=separator)
    got = features(values, kind, min_items=1)
    assert (got[0] > 0).all()
    assert got[1].tolist() == [1.0, 0.0]
    assert got[2].tolist() == [0.0, 0.0]


def test_one_category_may_hold_the_separator_of_others() -> None:
    got = features(["a|b", "a|b"], Attribute(kind=AttributeKind.CATEGORY))
    assert got.tolist() == [[1.0], [1.0]]


def test_near_numbers_are_alike() -> None:
    values = [float(v) for v in range(101)]
    got = features(values, Attribute(kind=AttributeKind.NUMBER), bins=11)
    alike = got @ got[50]
    assert alike[50] == pytest.approx(1.0)
    assert (np.diff(alike[50:62]) <= 1e-12).all()
    assert alike[80] == 0
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1.0)


def test_numbers_on_a_log_scale() -> None:
    values = [1.0, 10.0, 100.0, 1000.0, -5.0, 0.0, None]
    got = features(values, Attribute(kind=AttributeKind.NUMBER, scale="log"), bins=4)
    assert (got[:4].argmax(axis=1) == [0, 1, 2, 3]).all()
    assert (got[4:] == 0).all()


def test_a_number_that_is_always_the_same_tells_nothing() -> None:
    got = features([7.0, 7.0, 7.0], Attribute(kind=AttributeKind.NUMBER))
    assert got.shape == (3, 0)


def test_times_are_numbers() -> None:
    times = [datetime(2020 + y, 1, 1) for y in range(5)]
    got = features(times, Attribute(kind=AttributeKind.TIME), bins=5)
    assert (got.argmax(axis=1) == range(5)).all()
