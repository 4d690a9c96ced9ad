"""Numbers: standardised, clipped, binned; times; nothing, one value, equal values."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from palate.features.columns import Columns, ColumnSpec
from palate.types import AttributeKind

NUMBER, TIME = AttributeKind.NUMBER, AttributeKind.TIME


def fitted(column: list[float | None], spec: ColumnSpec | None = None) -> Columns:
    frame = pl.DataFrame({"x": column}, {"x": pl.Float64})
    return Columns.fit(frame, [spec if spec is not None else ColumnSpec(name="x", kind=NUMBER)])


def encoded(columns: Columns, column: list[float | None]) -> tuple[list[int], np.ndarray]:
    found = columns.encode(pl.DataFrame({"x": column}, {"x": pl.Float64}))
    return found.indices.tolist(), found.weights


def test_standardised_by_training() -> None:
    columns = fitted([1.0, 3.0, None, 5.0])  # mean 3, variance 8 / 3
    indices, weights = encoded(columns, [5.0, 3.0, None])
    assert indices == [1, 1, 0]  # value, value, missing
    np.testing.assert_allclose(weights, [np.sqrt(1.5), 0, 1], rtol=1e-6)
    dense = columns.encode(pl.DataFrame({"x": [5.0, None]})).numbers
    np.testing.assert_allclose(dense[0], np.sqrt(1.5), rtol=1e-6)
    assert np.isnan(dense[1, 0])


def test_a_number_out_of_scale_counts_as_the_nearest_known() -> None:
    columns = fitted([1.0, 3.0, 5.0])
    np.testing.assert_array_equal(
        encoded(columns, [1e300, -1e300])[1], encoded(columns, [5.0, 1.0])[1]
    )


def test_the_logarithm_keeps_signs() -> None:
    columns = fitted([0.0, np.e - 1, 1 - np.e], ColumnSpec(name="x", kind=NUMBER, scale="log"))
    deviation = np.sqrt(2 / 3)  # of 0, 1, -1
    weights = encoded(columns, [np.e - 1, 1 - np.e, 0.0])[1]
    np.testing.assert_allclose(weights, [1 / deviation, -1 / deviation, 0], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("value", [0.1, -7.3, 1e18])
def test_equal_numbers_have_no_spread(value: float) -> None:
    columns = fitted([value] * 7)
    assert encoded(columns, [value, value + 1])[1].tolist() == [0, 0]
    binned = fitted([value] * 7, ColumnSpec(name="x", kind=NUMBER, bins=5))
    indices, weights = encoded(binned, [value, value + 1, None])
    assert (indices, weights.tolist()) == ([1, 1, 0], [1, 1, 1])


def test_no_number_at_all() -> None:
    for spec in (ColumnSpec(name="x", kind=NUMBER), ColumnSpec(name="x", kind=NUMBER, bins=3)):
        columns = fitted([None, None], spec)
        indices, weights = encoded(columns, [None, 5.0])
        assert indices == [0, 1]
        assert np.isfinite(weights).all()


def test_knots_stand_at_equal_shares_and_a_number_is_between_two() -> None:
    spec = ColumnSpec(name="x", kind=NUMBER, bins=3)
    columns = fitted([0.0, 1.0, 10.0], spec)  # knots 0, 1, 10
    indices, weights = encoded(columns, [0.25, 5.5, 1.0, 99.0, None])
    assert indices == [1, 2, 2, 3, 2, 3, 0]
    np.testing.assert_allclose(weights, [0.75, 0.25, 0.5, 0.5, 1, 1, 1])
    assert [columns.label(i) for i in range(4)] == [
        "x=missing",
        "x=near 0",
        "x=near 1",
        "x=near 10",
    ]


def test_knots_say_their_own_units_on_a_log_scale() -> None:
    columns = fitted([1.0, 100.0], ColumnSpec(name="x", kind=NUMBER, scale="log", bins=2))
    assert [columns.label(i) for i in (1, 2)] == ["x=near 1", "x=near 100"]


def test_hours_and_weekdays_where_the_users_are() -> None:
    late = dt.datetime(2022, 5, 1, 23, 30, tzinfo=dt.UTC)  # a Sunday; Monday 7:30 eight hours on
    frame = pl.DataFrame({"at": [late]})
    specs = [
        ColumnSpec(name="hour", source="at", kind=TIME, part="hour", utc_offset_h=8),
        ColumnSpec(name="weekday", source="at", kind=TIME, part="weekday", utc_offset_h=8),
        ColumnSpec(name="utc", source="at", kind=TIME, part="hour"),
    ]
    columns = Columns.fit(frame, specs)
    labels = [columns.label(int(i)) for i in columns.encode(frame).indices]
    assert labels == ["hour=7", "weekday=1", "utc=23"]


def test_elapsed_time_is_a_number_of_days() -> None:
    days = [dt.datetime(2022, 5, d, tzinfo=dt.UTC) for d in (1, 2, 3)]
    columns = Columns.fit(pl.DataFrame({"at": days}), [ColumnSpec(name="at", kind=TIME)])
    found = columns.encode(pl.DataFrame({"at": [days[2], None]}))
    np.testing.assert_allclose(found.numbers[0], np.sqrt(1.5), rtol=1e-5)
    assert found.indices.tolist() == [1, 0]
