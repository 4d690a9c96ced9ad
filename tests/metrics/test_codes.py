"""Ids as small numbers: table and hash agree with a dictionary."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.metrics.codes import codes

NEAR = st.integers(-9, 9)
FAR = st.integers(-(2**63), 2**63 - 1)


@given(known=st.lists(NEAR | FAR), other=st.lists(NEAR | FAR))
def test_integers(known: list[int], other: list[int]) -> None:
    check(pl.Series("id", known, pl.Int64), pl.Series("id", other, pl.Int64))


@given(known=st.lists(NEAR), other=st.lists(NEAR | FAR))
def test_integers_close_together(known: list[int], other: list[int]) -> None:
    check(pl.Series("id", known, pl.Int64), pl.Series("id", other, pl.Int64))


@given(known=st.lists(st.text(max_size=2)), other=st.lists(st.text(max_size=2)))
def test_strings(known: list[str], other: list[str]) -> None:
    check(pl.Series("id", known, pl.String), pl.Series("id", other, pl.String))


def check(known: pl.Series, other: pl.Series) -> None:
    left, right, distinct = codes(known, other)
    number = dict(zip(known.to_list(), left.tolist(), strict=True))
    assert sorted(number.values()) == list(range(distinct))
    assert left.tolist() == [number[i] for i in known.to_list()]
    assert right.tolist() == [number.get(i, -1) for i in other.to_list()]


def test_integers_beyond_64_bits_signed_are_refused() -> None:
    large = pl.Series("id", [2**64 - 1], pl.UInt64)
    with pytest.raises(DataError, match="2\\^63"):
        codes(large, large)
