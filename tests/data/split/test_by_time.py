"""Chronological, global time, leave-one-out and leave-last-n on rows known by heart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest

from palate.data import Dataset
from palate.data.split import Chronological, GlobalTime, LeaveLastN, LeaveOneOut, Splitter
from palate.errors import DataError

FRAME = pl.DataFrame(
    {
        "user_id": ["u", "u", "u", "u", "v", "v", "w"],
        "item_id": ["a", "b", "c", "d", "a", "b", "a"],
        "timestamp": [40, 10, 30, 20, 50, 50, 60],
    }
)


def rows_in_test(splitter: Splitter, frame: pl.DataFrame = FRAME) -> list[tuple[str, str]]:
    test = splitter.split(Dataset.from_frames(frame)).test
    return test.interactions.select("user_id", "item_id").rows()


def test_chronological_takes_each_users_newest_share() -> None:
    # Equal times of v: the last to arrive is the newest. w has one event, which stays.
    assert rows_in_test(Chronological(test_ratio=0.5)) == [("u", "a"), ("u", "c"), ("v", "b")]


def test_leave_one_out_takes_the_newest() -> None:
    assert rows_in_test(LeaveOneOut()) == [("u", "a"), ("v", "b")]


def test_leave_last_n_leaves_short_histories_whole() -> None:
    assert rows_in_test(LeaveLastN(n=2)) == [("u", "a"), ("u", "c")]


def test_without_any_times_arrival_decides() -> None:
    assert rows_in_test(LeaveOneOut(), FRAME.drop("timestamp")) == [("u", "d"), ("v", "b")]


def test_global_time_by_ratio_keeps_an_instant_together() -> None:
    # A quarter of seven rows is two: from 50 on, where two rows share the instant.
    assert rows_in_test(GlobalTime()) == [("v", "a"), ("v", "b"), ("w", "a")]


@pytest.mark.parametrize(
    "cut",
    [
        datetime(1970, 1, 1, 0, 0, 40),
        datetime(1970, 1, 1, 0, 0, 40, tzinfo=UTC),
        datetime(1970, 1, 1, 2, 0, 40, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_global_time_by_instant(cut: datetime) -> None:
    assert rows_in_test(GlobalTime(cut=cut)) == [("u", "a"), ("v", "a"), ("v", "b"), ("w", "a")]


def test_a_cut_outside_the_data_is_refused() -> None:
    with pytest.raises(DataError, match="leaves nothing in test"):
        rows_in_test(GlobalTime(cut=datetime(2000, 1, 1)))


@pytest.mark.parametrize("splitter", [Chronological(), GlobalTime(), LeaveOneOut(), LeaveLastN()])
def test_missing_times_are_refused(splitter: Splitter) -> None:
    gap = FRAME.with_columns(pl.when(pl.col("item_id") != "d").then("timestamp").alias("timestamp"))
    with pytest.raises(DataError, match="row 4 has none"):
        rows_in_test(splitter, gap)
