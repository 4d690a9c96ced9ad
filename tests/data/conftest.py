"""A dataset small enough to know by heart."""

from __future__ import annotations

import polars as pl
import pytest

from palate.data import Dataset


@pytest.fixture
def shop() -> Dataset:
    """Three users, four items (d untouched), clicks and rated purchases, one repeat."""
    interactions = pl.DataFrame(
        [
            ("u1", "a", "click", None, 10),
            ("u1", "b", "click", None, 20),
            ("u1", "a", "buy", 5.0, 30),
            ("u2", "b", "click", None, 15),
            ("u2", "b", "click", None, 25),
            ("u3", "c", "buy", 2.0, 5),
        ],
        schema=["user_id", "item_id", "event", "value", "timestamp"],
        orient="row",
    )
    items = pl.DataFrame({"item_id": ["d", "a"], "title": ["Delta", "Alpha"], "price": [4.0, 1.0]})
    users = pl.DataFrame({"user_id": ["u2"], "age": [30]})
    return Dataset.from_frames(interactions, items=items, users=users, name="shop")
