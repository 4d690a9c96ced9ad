"""Laws that hold for every splitter, whatever its file."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.data import Dataset
from palate.data.split import (
    Chronological,
    ColdItem,
    ColdUser,
    GlobalTime,
    KFold,
    LeaveLastN,
    LeaveOneOut,
    Random,
    Splitter,
    Stratified,
)
from palate.errors import DataError

SPLITTERS: list[Splitter] = [
    Random(test_ratio=0.4),
    Stratified(test_ratio=0.4),
    Stratified(test_ratio=0.4, by="item"),
    Chronological(test_ratio=0.4),
    GlobalTime(test_ratio=0.4),
    LeaveOneOut(),
    LeaveLastN(n=2),
    KFold(folds=3, fold=1),
    ColdUser(test_ratio=0.4),
    ColdItem(test_ratio=0.4),
]
ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40
)


def dataset(rows: list[tuple[int, int, int]]) -> Dataset:
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return Dataset.from_frames(frame.with_row_index("value"))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
@settings(max_examples=40)
@given(rows=ROWS)
def test_parts_are_disjoint_and_their_union_is_everything(
    splitter: Splitter, rows: list[tuple[int, int, int]]
) -> None:
    whole = dataset(rows)
    mask = splitter.test_mask(whole)
    assert mask.shape == (len(rows),)
    assert mask.dtype == np.bool_
    if mask.all() or not mask.any():
        with pytest.raises(DataError, match="leaves nothing in"):
            splitter.split(whole)
        return
    parts = splitter.split(whole)
    # `value` numbers the rows.
    train, test = (part.interactions["value"].to_list() for part in (parts.train, parts.test))
    assert sorted(train + test) == list(range(len(rows)))
    assert train == sorted(train)
    assert test == sorted(test)
    for part in (parts.train, parts.test):
        assert part.item_vocabulary is whole.item_vocabulary
        assert part.user_vocabulary is whole.user_vocabulary


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
@settings(max_examples=40)
@given(rows=ROWS)
def test_equal_specs_split_equally(splitter: Splitter, rows: list[tuple[int, int, int]]) -> None:
    again = type(splitter).model_validate_json(splitter.model_dump_json())
    assert again == splitter
    np.testing.assert_array_equal(splitter.test_mask(dataset(rows)), again.test_mask(dataset(rows)))


@pytest.mark.parametrize("splitter", [s for s in SPLITTERS if "seed" in type(s).model_fields])
def test_another_seed_splits_otherwise(splitter: Splitter) -> None:
    rng = np.random.default_rng(0)
    whole = dataset([tuple(r) for r in rng.integers(0, 12, (200, 3)).tolist()])
    other = splitter.model_copy(update={"seed": 43})
    assert (splitter.test_mask(whole) != other.test_mask(whole)).any()


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_one_interaction_cannot_be_split(splitter: Splitter) -> None:
    with pytest.raises(DataError, match="leaves nothing in"):
        splitter.split(dataset([(0, 0, 0)]))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Random, {"test_ratio": 0}),
        (Random, {"test_ratio": 1.0}),
        (Random, {"ratio": 0.5}),
        (Stratified, {"by": "event"}),
        (LeaveLastN, {"n": 0}),
        (KFold, {"folds": 1}),
        (KFold, {"folds": 3, "fold": 3}),
        (GlobalTime, {"cut": "2024-01-01", "test_ratio": 0.5}),
    ],
)
def test_impossible_specs_are_refused(kind: type[Splitter], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        kind.model_validate(options)
