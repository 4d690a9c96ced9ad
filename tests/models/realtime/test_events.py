"""Events with their types: first touches, what happened around them, what was left alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from palate.data import Dataset
from palate.models.realtime.events import LEFT_ALONE, Events


def names(market: Dataset, events: Events, entries: np.ndarray) -> list[str]:
    return [market.item_vocabulary.id(int(row)) for row in events.histories.items[entries]]


def test_types_stand_beside_their_entries(market: Dataset) -> None:
    events = Events.of(market)
    assert events.outcomes == ("save", "view")
    anna = slice(0, 5)
    assert names(market, events, np.arange(5)) == ["x", "x", "y", "w", "z"]
    assert events.types[anna].tolist() == [1, 0, LEFT_ALONE, 1, LEFT_ALONE]
    assert events.positive()[anna].tolist() == [True, True, False, True, False]


def test_the_first_touch_of_each_item(market: Dataset) -> None:
    events = Events.of(market)
    found = np.flatnonzero(events.first_touches())
    assert names(market, events, found) == ["x", "w", "y", "x"]


def test_what_happened_around_an_event(market: Dataset) -> None:
    events = Events.of(market)
    entries = np.flatnonzero(events.first_touches())
    found = events.happened(entries, window_h=24)
    assert found.tolist() == [[True, True], [False, True], [False, True], [False, True]]
    near = events.happened(entries, window_h=0.01)  # 36 s: the save came after 60
    assert near[0].tolist() == [False, True]


def test_unknown_times_are_one_time(market: Dataset) -> None:
    timeless = market.interactions.with_columns(
        pl.lit(None, pl.Datetime("us", "UTC")).alias("timestamp")
    )
    events = Events.of(market.with_interactions(timeless))
    entries = np.flatnonzero(events.first_touches())
    assert events.happened(entries, window_h=1)[0].tolist() == [True, True]


def test_what_was_served_and_not_taken_is_left_alone(market: Dataset) -> None:
    served = pl.DataFrame(
        {
            "user_id": ["ben", "ben", "stranger", None],
            "item_id": ["z", "x", "z", "z"],
            "timestamp": pl.Series([1, 1, 1, 1]).cast(pl.Datetime("us", "UTC")),
            "view": [0, 1, 0, 0],
        }
    )
    before, after = Events.of(market), Events.of(market, served)
    assert len(after) == len(before) + 1
    ben = market.user_vocabulary.row("ben")
    history = after.histories.slice(ben, ben + 1)
    assert [market.item_vocabulary.id(int(i)) for i in history.items] == ["y", "z", "x"]
    assert history.values.tolist() == [1.0, 0.0, 1.0]
    assert after.types[after.histories.indptr[ben] + 1] == LEFT_ALONE
