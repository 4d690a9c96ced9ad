"""Histories cut to their newest events: what is kept, and how often."""

from __future__ import annotations

import numpy as np

from palate.data import Dataset
from palate.data.histories import Histories
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import NONE, example_entries, make_examples
from palate.models.realtime.prepare import fit_profiles
from palate.models.realtime.short import ALL, FEW, known_lengths, newest_only

CONFIG = RealtimeConfig(recent=3, half_life_days=1000, short=1.0)
HISTORIES = Histories(
    np.array([0, 4, 4, 6], np.int64),
    np.array([5, 6, 7, 8, 1, 2], np.int32),
    np.array([1, 0, 1, 2, 1, 1], np.float32),
    np.array([10, 20, 30, 40, 5, 15], np.int64),
    9,
)


def test_share_of_those_that_are_cut() -> None:
    lengths = known_lengths(20_000, share=0.3, seed=1)
    assert abs((lengths != ALL).mean() - 0.3) < 0.02
    cut = lengths[lengths != ALL]
    assert cut.min() == 1
    assert cut.max() == FEW
    alone, pairs = (cut == 1).mean(), np.isin(cut, (2, 3)).mean()
    assert abs(alone - pairs) < 0.03  # evenly on the scale of logarithms


def test_none_and_all() -> None:
    assert (known_lengths(50, share=0.0, seed=1) == ALL).all()
    assert (known_lengths(50, share=1.0, seed=1) >= 1).all()
    assert not len(known_lengths(0, share=1.0, seed=1))


def test_the_newest_that_count_and_the_entry_itself() -> None:
    liked = np.array([0, 2, 3, 4, 5])
    cut, places = newest_only(HISTORIES, np.array([3, 5, 4]), liked, np.array([1, 9, 2], np.int32))
    assert cut.indptr.tolist() == [0, 2, 4, 5]
    assert cut.items.tolist() == [7, 8, 1, 2, 1]  # 6 does not count; nobody's events but theirs
    assert cut.values.tolist() == [1, 2, 1, 1, 1]
    assert cut.timestamps.tolist() == [30, 40, 5, 15, 5]
    assert places.tolist() == [1, 3, 4]


def test_of_no_entries() -> None:
    none = np.empty(0, np.int64)
    cut, places = newest_only(HISTORIES, none, np.array([0, 2]), none.astype(np.int32))
    assert cut.n_users == 0
    assert not len(places)


def test_a_cut_example_is_that_of_a_newcomer(market: Dataset) -> None:
    """Profile and recent items are those of somebody who did only the last `n` things."""
    events = Events.of(market)
    profiles = fit_profiles(market, events, CONFIG)
    entries = example_entries(events, CONFIG, np.ones(len(events), np.bool_))
    (whole,) = make_examples(events, entries, profiles, CONFIG)
    lengths = known_lengths(len(entries), share=1.0, seed=CONFIG.seed)
    liked = np.flatnonzero(events.positive())
    for row, entry in enumerate(entries.tolist()):
        one = np.array([entry])
        cut, place = newest_only(events.histories, one, liked, lengths[row : row + 1])
        np.testing.assert_array_equal(whole.profile[row], profiles.before(cut, place)[0])
        before = cut.items[: int(place[0])][-3:].tolist()
        assert whole.recent[row].tolist() == [NONE] * (3 - len(before)) + before


def test_all_that_is_known_where_nothing_is_cut(market: Dataset) -> None:
    events = Events.of(market)
    plain = CONFIG.model_copy(update={"short": 0.0})
    profiles = fit_profiles(market, events, plain)
    entries = example_entries(events, plain, np.ones(len(events), np.bool_))
    (whole,) = make_examples(events, entries, profiles, plain)
    np.testing.assert_array_equal(whole.profile, profiles.before(events.histories, entries))
    row = market.item_vocabulary.row
    assert whole.recent[1].tolist() == [NONE, row("x"), row("x")]
