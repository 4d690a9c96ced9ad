from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from palate.data.times import TIMESTAMP_DTYPE, to_times
from palate.errors import DataError

NOON = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "spelled",
    [
        "2024-05-06T12:00:00Z",
        "2024-05-06T14:00:00+02:00",
        "2024-05-06T12:00:00",
        "2024-05-06 12:00:00",
        "2024-05-06 12:00:00.000",
        "2024-05-06T12:00",
        "1714996800",
        1714996800,
        1714996800.0,
        NOON,
        NOON.astimezone(timezone(timedelta(hours=5))),
        NOON.replace(tzinfo=None),
    ],
)
def test_noon_in_every_spelling(spelled: object) -> None:
    times = to_times(pl.Series("t", [spelled, None]))
    assert times.dtype == TIMESTAMP_DTYPE
    assert times.to_list() == [NOON, None]
    assert times.name == "t"


def test_a_date_is_its_midnight() -> None:
    midnight = [NOON.replace(hour=0)]
    assert to_times(pl.Series([date(2024, 5, 6)])).to_list() == midnight
    assert to_times(pl.Series(["2024-05-06"])).to_list() == midnight


def test_microseconds_survive() -> None:
    exact = NOON.replace(microsecond=123_456)
    assert to_times(pl.Series([exact.isoformat()])).to_list() == [exact]
    assert to_times(pl.Series([1714996800.5])).to_list() == [NOON.replace(microsecond=500_000)]


def test_several_spellings_in_one_column() -> None:
    mixed = pl.Series(["2024-05-06", "2024-05-06T12:00:00Z", "yesterday"])
    assert to_times(mixed).to_list() == [NOON.replace(hour=0), NOON, None]


def test_what_is_no_time_becomes_null() -> None:
    assert to_times(pl.Series([float("nan"), float("inf"), 0.0])).null_count() == 2
    assert to_times(pl.Series([None, None])).null_count() == 2


@pytest.mark.parametrize("values", [[1714996800000], [1.7e12], ["1714996800000"]])
def test_milliseconds_are_refused(values: list[object]) -> None:
    with pytest.raises(DataError, match="too large for seconds") as caught:
        to_times(pl.Series("when", values))
    assert "1000" in str(caught.value.hint)


def test_a_list_is_no_time() -> None:
    with pytest.raises(DataError, match="a time or seconds"):
        to_times(pl.Series([[1]]))
