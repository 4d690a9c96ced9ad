"""Items as numbers: the same alone, in a batch and from a log; whatever is wrong is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.items import ItemEncoder, ItemRows
from palate.models.realtime.prepare import fit_encoder


@pytest.fixture
def encoder(market: Dataset) -> ItemEncoder:
    return fit_encoder(market, Events.of(market), RealtimeConfig(min_count=1, bins=3))


def same(left: ItemRows, right: ItemRows) -> None:
    for name in ItemRows.__slots__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


def logged(market: Dataset) -> list[dict[str, Any]]:
    """As JSON has them."""
    rows = market.items_by_row.drop("item_id").to_dicts()
    for row in rows:
        row["listed"] = row["listed"] and row["listed"].isoformat()
    return rows


def test_a_log_says_what_the_table_says(market: Dataset, encoder: ItemEncoder) -> None:
    ids = market.item_vocabulary.ids
    same(encoder.encode(ids, logged(market)), encoder.encode_frame(ids, market.items_by_row))


def test_one_item_is_encoded_as_in_a_batch(market: Dataset, encoder: ItemEncoder) -> None:
    ids, attributes = market.item_vocabulary.ids, logged(market)
    whole = encoder.encode(ids, attributes)
    for row, name in enumerate(ids):
        alone = encoder.encode([name], attributes[row : row + 1])
        for field in ItemRows.__slots__:
            np.testing.assert_array_equal(getattr(alone, field)[0], getattr(whole, field)[row])


def test_shapes(market: Dataset, encoder: ItemEncoder) -> None:
    rows = encoder.encode(market.item_vocabulary.ids, logged(market))
    assert encoder.n_slots == 1 + 8 + 2 + 2  # make, extras, price, listed
    assert rows.slots.shape == rows.weights.shape == (5, encoder.n_slots)
    assert rows.numbers.shape == (5, encoder.n_numbers) == (5, 2)
    assert rows.slots.max() < encoder.n_features
    assert np.isfinite(rows.numbers).all()


def test_only_what_was_taken_has_a_trained_id(market: Dataset, encoder: ItemEncoder) -> None:
    rows = encoder.encode(["w", "x", "y", "z", "never", "new"], [{}] * 6)
    assert (rows.ids > 0).tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"make": None, "price": None},
        {"make": {"name": "BMW"}, "price": "cheap", "extras": {"a": 1}, "listed": "soon"},
        {"make": [], "price": [1], "extras": [None, {"a": 1}], "listed": 10**30},
        {"price": float("nan")},
        {"price": float("inf")},
        {"price": 10**400},
        {"unknown": "x" * 100},
    ],
    ids=str,
)
def test_what_is_no_value_is_missing(encoder: ItemEncoder, wrong: dict[str, Any]) -> None:
    same(encoder.encode(["new"], [wrong]), encoder.encode(["new"], [{}]))


def test_huge_attributes_are_cut(encoder: ItemEncoder) -> None:
    huge = {"make": "B" * 10**6, "extras": [f"e{n}" for n in range(100_000)], "price": 1e300}
    rows = encoder.encode(["new"], [huge])
    assert rows.slots.shape == (1, encoder.n_slots)
    assert np.isfinite(rows.weights).all()
    assert np.abs(rows.numbers).max() <= 4


def test_a_value_never_seen_is_not_a_missing_one(encoder: ItemEncoder) -> None:
    unseen, missing = encoder.encode(["a", "b"], [{"make": "Trabant"}, {}]).slots[:, 0]
    assert unseen != missing


def test_no_items(encoder: ItemEncoder) -> None:
    assert len(encoder.encode([], [])) == 0


def test_no_attributes_at_all(market: Dataset) -> None:
    encoder = fit_encoder(market, Events.of(market), RealtimeConfig(attributes=False))
    rows = encoder.encode(["x", "new"], [{"make": "BMW"}, {}])
    assert encoder.columns is None
    assert not rows.weights.any()
    assert (rows.ids > 0).tolist() == [True, False]
