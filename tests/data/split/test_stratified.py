from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Dataset
from palate.data.split import Random, Stratified
from palate.data.split.base import held_out


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.floats(0.05, 0.95))
def test_every_user_has_their_share(events: list[int], ratio: float) -> None:
    users = np.repeat(np.arange(len(events)), events)
    whole = Dataset.from_frames(pl.DataFrame({"user_id": users, "item_id": users * 0}))
    mask = Stratified(test_ratio=ratio).test_mask(whole)
    in_test = np.bincount(users[mask], minlength=len(events))
    np.testing.assert_array_equal(in_test, held_out(np.array(events), ratio))
    assert (in_test < np.array(events)).all()


@pytest.mark.parametrize(("by", "key"), [("user", "user_id"), ("item", "item_id")])
def test_a_quarter_of_each_group(by: str, key: str) -> None:
    cells = [(u, i) for u in range(8) for i in range(8)]
    whole = Dataset.from_frames(pl.DataFrame(cells, schema=["user_id", "item_id"], orient="row"))
    test = Stratified.model_validate({"by": by}).split(whole).test
    assert test.interactions[key].value_counts()["count"].to_list() == [2] * 8


def test_random_takes_the_ratio_of_all_rows() -> None:
    whole = Dataset.from_frames(pl.DataFrame({"user_id": [0] * 10, "item_id": list(range(10))}))
    assert len(Random(test_ratio=0.3).split(whole).test) == 3
