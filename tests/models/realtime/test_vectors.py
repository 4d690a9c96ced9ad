"""Vectors that come with items: of length 1, or missing and said to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.config import Attribute, Schema
from palate.data import Dataset
from palate.models.realtime import Nets, Realtime, RealtimeConfig
from palate.models.realtime.vectors import column_vectors, raw_vectors
from palate.types import AttributeKind

MISSING = [0.0, 0.0, 1.0]


def test_a_vector_keeps_its_direction_alone() -> None:
    found = raw_vectors([[3.0, 4.0], [30, 40], (0.0, -2.0)], 2)
    expected = np.array([[0.6, 0.8, 0], [0.6, 0.8, 0], [0, -1, 0]], np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [None, 3.0, "1 2", [1.0], [1.0, 2.0, 3.0], [1.0, None], [1.0, "2"], [0.0, 0.0],
     [float("nan"), 1.0], [float("inf"), 1.0], [10**400, 1.0], {"a": 1}],
    ids=str,
)  # fmt: skip
def test_what_is_no_vector_is_missing(wrong: Any) -> None:
    np.testing.assert_array_equal(raw_vectors([wrong], 2), [MISSING])


def test_huge_numbers_have_a_direction_too() -> None:
    np.testing.assert_allclose(raw_vectors([[3e38, 0.0]], 2), [[1, 0, 0]])


def test_a_column_reads_as_a_log_does() -> None:
    given = [[3.0, 4.0], None, [0.0, 0.0]]
    column = pl.Series("photo", given, pl.List(pl.Float32))
    np.testing.assert_array_equal(column_vectors(column, 2), raw_vectors(given, 2))
    none = pl.Series("photo", [None, None], pl.List(pl.Float32))
    np.testing.assert_array_equal(column_vectors(none, 2), [MISSING, MISSING])
    assert column_vectors(none[:0], 2).shape == raw_vectors([], 2).shape == (0, 3)


@pytest.fixture(scope="module")
def pictured() -> Dataset:
    """Twelve people who like either of two looks; nothing but the vectors tells these."""
    n, rng = 24, np.random.default_rng(0)
    looks = np.where(np.arange(n)[:, None] % 2 == 0, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    photos = looks + 0.1 * rng.normal(size=(n, 3))
    items = pl.DataFrame({"item_id": [f"i{at}" for at in range(n)], "photo": photos.tolist()})
    rows = [(f"u{u}", f"i{i}") for u in range(12) for i in range(u % 2, n - 4, 2) if (u + i) % 3]
    users, liked = zip(*rows, strict=True)
    frame = pl.DataFrame({"user_id": users, "item_id": liked})
    schema = Schema(items={"photo": Attribute(kind=AttributeKind.VECTOR, size=3)})
    return Dataset.from_frames(frame, items=items, schema=schema)


@pytest.mark.usefixtures("one_thread")
def test_items_are_placed_by_what_their_pictures_say(pictured: Dataset, tmp_path: Any) -> None:
    config = RealtimeConfig(
        epochs=30, batch_size=16, dimension=8, hidden=16, validation=0.0, learning_rate=0.01,
        ids=False, catalogue=8, rank=0.0,
    )  # fmt: skip
    model = Realtime(config).fit(pictured)
    model.nets.save(tmp_path / "nets")
    nets = Nets.load(tmp_path / "nets")
    assert nets.encoder.vectors == (("photo", 3),)
    photos = [{"photo": [1.0, 0, 0]}, {"photo": [2.0, 0.1, 0]}, {"photo": [0, 1.0, 0]}, {}]
    one, like, other, missing = nets.embed_items(["a", "b", "c", "d"], photos)
    assert one @ like > one @ other + 0.3
    assert np.isfinite(missing).all()
    even = model.recommend(["u0"], 4, candidates=["i20", "i21", "i22", "i23"])["item_id"].to_list()
    assert set(even[:2]) == {"i20", "i22"}
