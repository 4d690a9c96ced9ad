from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from palate.config import EventType
from palate.data import frames
from palate.errors import DataError

RATED: dict[str, list[Any]] = {
    "user_id": ["a", "b"],
    "item_id": [1, 2],
    "value": [3.0, 4.0],
    "timestamp": [10, 20],
}


def canonical(table: dict[str, list[Any]], **names: str) -> pl.DataFrame:
    return frames.interactions(pl.DataFrame(table, strict=False), names)


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table])
def test_every_frame_comes_in_the_same(make: Any) -> None:
    out = frames.interactions(make(RATED), {})
    assert out.schema == frames.INTERACTIONS
    assert out.equals(canonical(RATED))
    assert out["item_id"].to_list() == ["1", "2"]
    assert out["event"].to_list() == [frames.DEFAULT_EVENT] * 2


def test_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="cannot read a list"):
        frames.to_polars([1, 2])  # type: ignore[arg-type]


def test_columns_are_renamed() -> None:
    out = canonical({"uid": ["a"], "item_id": ["x"], "stars": [5]}, user_id="uid", value="stars")
    assert out.select("user_id", "value").row(0) == ("a", 5.0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="missing column 'item_id'"):
        canonical({"user_id": ["a"]})
    with pytest.raises(DataError, match="missing column 'stars'"):
        canonical({"user_id": ["a"], "item_id": ["x"]}, value="stars")


def test_a_mapping_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(DataError, match="'stars' is no column of interactions"):
        canonical({"user_id": ["a"], "item_id": ["x"], "value": [1]}, stars="value")


def test_no_rows() -> None:
    with pytest.raises(DataError, match="no rows"):
        canonical({"user_id": [], "item_id": []})


@pytest.mark.parametrize(
    ("ids", "what"),
    [
        ([None, "a"], "an empty id in row 1"),
        (["a", ""], "an empty id in row 2"),
        ([1.0, float("nan")], "row 2"),
        ([1.0, 1.5], "fraction in row 2"),
        ([None, None], "an empty id in row 1 and 1 more"),
    ],
)
def test_odd_ids_are_refused_with_their_row(ids: list[Any], what: str) -> None:
    with pytest.raises(DataError, match=what):
        canonical({"user_id": ids, "item_id": ["x", "y"]})


def test_ids_of_other_types_are_refused() -> None:
    with pytest.raises(DataError, match="ids are strings or integers"):
        canonical({"user_id": [[1]], "item_id": ["x"]})


def test_whole_floats_are_ids_as_integers() -> None:
    assert canonical({"user_id": [1.0], "item_id": ["x"]})["user_id"].to_list() == ["1"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_ratings_are_refused_with_their_row(bad: float) -> None:
    with pytest.raises(DataError, match="NaN or infinity in row 2"):
        canonical({**RATED, "value": [1.0, bad]})


def test_pandas_nan_ratings_are_refused_with_their_row() -> None:
    """Pandas writes NaN as null on the way in; the row must not pass as "no value"."""
    with pytest.raises(DataError, match=r"no value \(empty or NaN\).* in row 1"):
        frames.interactions(pd.DataFrame({**RATED, "value": [float("nan"), 2.0]}), {})


def test_a_value_may_be_missing_from_a_whole_event_type() -> None:
    table = {**RATED, "event": ["click", "buy"], "value": [None, 2.0]}
    assert canonical(table)["value"].to_list() == [None, 2.0]
    with pytest.raises(DataError, match="in row 1"):
        canonical({**table, "event": ["buy", "buy"]})


def test_text_values_are_read_or_refused() -> None:
    assert canonical({**RATED, "value": ["1.5", "2"]})["value"].to_list() == [1.5, 2.0]
    with pytest.raises(DataError, match=r"'value' holds something that is not a number in row 2"):
        canonical({**RATED, "value": ["1.5", "good"]})
    with pytest.raises(DataError, match="values are numbers"):
        canonical({**RATED, "value": [[1], [2]]})


def test_empty_event_types_are_refused() -> None:
    with pytest.raises(DataError, match="an empty event type in row 2"):
        canonical({**RATED, "event": ["click", None]})


def test_times_are_read_or_refused() -> None:
    with pytest.raises(DataError, match="not a time in row 1"):
        canonical({**RATED, "timestamp": ["soon", "2024-01-01"]})
    with pytest.raises(DataError, match="not a time in row 2"):
        canonical({**RATED, "timestamp": [1.0, float("nan")]})
    assert canonical({**RATED, "timestamp": [None, 20]})["timestamp"].null_count() == 1


def test_mixed_types_name_column_and_row() -> None:
    with pytest.raises(DataError, match=r"column 'user_id' mixes types: 1 in row 2 is int"):
        frames.interactions(pd.DataFrame({"user_id": ["a", 1], "item_id": ["x", "y"]}), {})
    objects = pl.DataFrame({"user_id": pl.Series(["a", 1], dtype=pl.Object), "item_id": ["x", "y"]})
    with pytest.raises(DataError, match=r"column 'user_id' mixes types: 1 in row 2 is int"):
        frames.interactions(objects, {})


def test_duplicate_rows_stay() -> None:
    assert len(canonical({k: v[:1] * 3 for k, v in RATED.items()})) == 3


def test_attributes_keep_the_last_row_of_an_id() -> None:
    out = frames.attributes(pl.DataFrame({"item_id": [2, 1, 2], "n": [1, 2, 3]}), "item_id")
    assert sorted(out.rows()) == [("1", 2), ("2", 3)]
    assert frames.attributes(None, "item_id").columns == ["item_id"]
    with pytest.raises(DataError, match="no column 'item_id'"):
        frames.attributes(pl.DataFrame({"id": [1]}), "item_id")


def test_the_schema_is_guessed_by_event_type() -> None:
    events = canonical({**RATED, "event": ["click", "buy"], "value": [None, 2.0]})
    schema = frames.guess_schema(
        events, pl.DataFrame({"item_id": ["1"], "p": [1.0]}), pl.DataFrame({"user_id": ["a"]})
    )
    assert schema.events == {"buy": EventType(value="multiply"), "click": EventType()}
    assert list(schema.items) == ["p"]
    assert schema.users == {}
