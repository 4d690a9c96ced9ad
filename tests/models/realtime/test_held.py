"""What is held out is later than what is learned from, and new to who is asked."""

from __future__ import annotations

import numpy as np
import polars as pl

from palate.data import Dataset
from palate.models.realtime.events import Events
from palate.models.realtime.held import hold_out
from palate.testing.checkerboard import checkerboard


def test_all_that_is_held_is_later() -> None:
    events = Events.of(checkerboard())
    held, among = hold_out(events, share=0.3, seed=1)
    times = events.histories.timestamps
    assert times[among].max() < times[~among].min()
    assert 0 < len(held) <= 46


def test_what_is_wanted_is_new() -> None:
    events = Events.of(checkerboard())
    held, _ = hold_out(events, share=0.3, seed=1)
    for user in range(held.asked.n_users):
        seen = held.asked.slice(user, user + 1).items
        wanted = held.wanted.items[held.wanted.indptr[user] : held.wanted.indptr[user + 1]]
        assert len(wanted)
        assert not np.isin(wanted, seen).any()


def test_without_times_the_last_event_of_each_is_held() -> None:
    board = checkerboard()
    timeless: Dataset = board.with_interactions(
        board.interactions.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("timestamp"))
    )
    events = Events.of(timeless)
    held, among = hold_out(events, share=0.3, seed=1)
    assert len(held) == 46
    assert (~among).sum() == 46
    assert held.wanted.indptr[-1] == 46


def test_too_few_events_hold_nothing(market: Dataset) -> None:
    held, among = hold_out(Events.of(market), share=0.3, seed=1)
    assert len(held) <= 1
    assert among.any()
