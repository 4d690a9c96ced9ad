from __future__ import annotations

import polars as pl

from palate.data import Dataset
from palate.data.split import ColdItem, ColdUser

CELLS = [(u, i) for u in range(8) for i in range(6) if (u + i) % 3]
WHOLE = Dataset.from_frames(
    pl.DataFrame(CELLS, schema=["user_id", "item_id"], orient="row"),
    users=pl.DataFrame({"user_id": [99]}),  # has no events: is in neither part
)


def test_cold_users_are_unknown_to_train() -> None:
    parts = ColdUser(test_ratio=0.25).split(WHOLE)
    train, test = (set(p.interactions["user_id"]) for p in (parts.train, parts.test))
    assert not train & test
    assert len(test) == 2  # of the eight that did something


def test_cold_items_are_unknown_to_train() -> None:
    parts = ColdItem(test_ratio=0.5).split(WHOLE)
    train, test = (set(p.interactions["item_id"]) for p in (parts.train, parts.test))
    assert not train & test
    assert len(test) == 3
