"""Counts of the past: written out, and blind to the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.errors import DataError
from palate.features.columns import past_counts, smoothed_rate

rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2), st.integers(0, 6)),
    min_size=1,
    max_size=25,
).map(lambda of: pl.DataFrame(of, schema={"item": pl.String, "click": pl.Int64, "t": pl.Int64},
                              orient="row"))  # fmt: skip


def test_by_hand() -> None:
    frame = pl.DataFrame(
        {
            "item": ["a", "a", "b", "a", "a"],
            "click": [1, 0, 1, 1, 0],
            "t": [10, 20, 20, 20, 30],  # the two of a at 20 do not see each other
        }
    )
    found = past_counts(frame, ["item"], ["click"], time="t")
    assert found.columns == ["shown", "click"]
    assert found["shown"].to_list() == [0, 1, 0, 1, 3]
    assert found["click"].to_list() == [0, 1, 0, 1, 2]


@settings(max_examples=80)
@given(rows, st.none() | st.integers(0, 7))
def test_against_a_loop(frame: pl.DataFrame, frozen_at: int | None) -> None:
    found = past_counts(frame, ["item"], ["click"], time="t", frozen_at=frozen_at)
    for at, (item, _, t) in enumerate(frame.iter_rows()):
        end = t if frozen_at is None else min(t, frozen_at)
        before = [c for i, c, s in frame.iter_rows() if i == item and s < end]
        assert found.row(at) == (len(before), sum(before))


@settings(max_examples=80)
@given(rows, rows, st.integers(0, 7))
def test_no_later_row_changes_a_count(frame: pl.DataFrame, other: pl.DataFrame, cut: int) -> None:
    """Whatever happens from `cut` on, rows up to it have the same counts, their own label too."""
    past = frame.filter(pl.col("t") < cut)
    now = frame.filter(pl.col("t") == cut)
    whole = pl.concat([past, now, frame.filter(pl.col("t") > cut)])
    flipped = pl.concat(
        [past, now.with_columns(click=5 - pl.col("click")), other.with_columns(pl.col("t") + cut)]
    )
    n = past.height + now.height
    one = past_counts(whole, ["item"], ["click"], time="t").head(n)
    assert past_counts(flipped, ["item"], ["click"], time="t").head(n).equals(one)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_table_does_not_matter(frame: pl.DataFrame, random: Any) -> None:
    order = list(range(frame.height))
    random.shuffle(order)
    found = past_counts(frame, ["item"], ["click"], time="t")
    assert past_counts(frame[order], ["item"], ["click"], time="t").equals(found[order])


def test_keys_of_two_columns() -> None:
    frame = pl.DataFrame({"u": [1, 1, 2], "i": [1, 2, 1], "t": [1, 2, 3]})
    assert past_counts(frame, ["u", "i"], [], time="t")["shown"].to_list() == [0, 0, 0]
    assert past_counts(frame, ["u"], [], time="t")["shown"].to_list() == [0, 1, 0]


def test_no_rows() -> None:
    frame = pl.DataFrame(schema={"u": pl.Int64, "t": pl.Int64})
    assert past_counts(frame, ["u"], [], time="t").height == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"click": [1.0, float("nan")]}, "row 2"),
        ({"click": [1, None]}, "row 2"),
        ({"t": [1, None]}, "whole number"),
        ({"t": [1.5, 2.5]}, "whole number"),
    ],
)
def test_rows_that_cannot_be_counted(change: dict[str, Any], message: str) -> None:
    columns: dict[str, Any] = {"u": [1, 1], "click": [0, 1], "t": [1, 2], **change}
    with pytest.raises(DataError, match=message):
        past_counts(pl.DataFrame(columns), ["u"], ["click"], time="t")


def test_columns_that_are_absent() -> None:
    frame = pl.DataFrame({"u": [1], "t": [1]})
    with pytest.raises(DataError, match="nowhere"):
        past_counts(frame, ["nowhere"], [], time="t")
    with pytest.raises(DataError, match="key"):
        past_counts(frame, [], [], time="t")


def test_rates_start_at_the_prior() -> None:
    found = smoothed_rate(np.array([0.0, 5.0]), np.array([0.0, 5.0]), prior=0.2, strength=10.0)
    np.testing.assert_allclose(found, [0.2, 7 / 15])
    with pytest.raises(DataError, match="above 0"):
        smoothed_rate(np.zeros(1), np.zeros(1), prior=0.5, strength=0.0)
