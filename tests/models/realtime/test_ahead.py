"""How far ahead of what is known an example looks."""

from __future__ import annotations

import numpy as np
import polars as pl

from palate.data import Dataset
from palate.data.histories import Histories
from palate.models.realtime.ahead import known_anywhere, last_known
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import Profiles, example_entries, make_examples
from palate.models.realtime.prepare import fit_profiles
from palate.models.realtime.short import ALL, known_lengths

N = 1000
LONG = Histories(
    np.array([0, 1, 1, N], np.int64),
    np.zeros(N, np.int32),
    np.ones(N, np.float32),
    np.arange(N, dtype=np.int64),
    1,
)


def test_the_next_alone() -> None:
    entries = np.arange(N)
    assert last_known(LONG, entries, most=1, seed=1).tolist() == entries.tolist()


def test_up_to_so_many_ahead_and_near_ones_more_often() -> None:
    entries = np.arange(500, N)
    ahead = np.concatenate(
        [entries - last_known(LONG, entries, most=8, seed=seed) + 1 for seed in range(40)]
    )
    assert ahead.min() == 1
    assert ahead.max() == 8
    assert abs((ahead == 1).mean() - np.isin(ahead, (2, 3)).mean()) < 0.02


def test_one_event_stays_known_and_nobody_elses() -> None:
    entries = np.array([0, 1, 2, 3])  # of the first user; then the third user's first three
    for seed in range(20):
        found = last_known(LONG, entries, most=500, seed=seed)
        assert found[:3].tolist() == [0, 1, 2]
        assert found[3] in (2, 3)


def test_examples_know_what_was_before(market: Dataset) -> None:
    """Profile and recent items are of the earlier place; item, moment and outcomes are not."""
    config = RealtimeConfig(recent=2, half_life_days=1000, ahead=50)
    events = Events.of(market)
    profiles = fit_profiles(market, events, config)
    entries = example_entries(events, config, np.ones(len(events), np.bool_))
    (found,) = make_examples(events, entries, profiles, config)
    states = last_known(events.histories, entries, most=50, seed=config.seed)
    assert (states < entries).any()
    np.testing.assert_array_equal(found.profile, profiles.before(events.histories, states))
    plain = config.model_copy(update={"ahead": 1})
    (near,) = make_examples(events, entries, profiles, plain)
    for name in ("item", "shown", "context", "outcomes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(near, name))


def test_anywhere_before_as_often_near_as_far() -> None:
    entries = np.full(4000, 501)  # of the third user, who has 500 events before it
    known = known_anywhere(LONG, entries, seed=1) - 1  # events of that user that are known
    assert known.min() == 1
    assert known.max() == 500
    assert abs((known <= 250).mean() - 0.5) < 0.03


def test_anywhere_one_event_stays_known_and_nobody_elses() -> None:
    entries = np.array([0, 1, 2, 3])  # of the first user; then the third user's first three
    for seed in range(20):
        found = known_anywhere(LONG, entries, seed=seed)
        assert found[:3].tolist() == [0, 1, 2]
        assert found[3] in (2, 3)
    assert known_anywhere(LONG, entries[:0], seed=1).shape == (0,)


def test_short_examples_alone_foresee_any_later_event() -> None:
    """Sixty people who take items 00 to 11 in turn: whoever knows r last is asked for r + 1."""
    rows = [(f"u{user}", f"i{at:02d}", 60 * at) for user in range(60) for at in range(12)]
    columns = zip(("user_id", "item_id", "timestamp"), zip(*rows, strict=True), strict=True)
    events = Events.of(Dataset.from_frames(pl.DataFrame(dict(columns))))
    config = RealtimeConfig(recent=12, short=0.5, short_ahead=True)
    entries = example_entries(events, config, np.ones(len(events), np.bool_))
    (found,) = make_examples(events, entries, Profiles(None, None), config)
    cut = known_lengths(len(entries), share=0.5, seed=config.seed) != ALL
    ahead = found.item - found.recent[:, -1]
    began = found.item > 0  # something is known
    assert (ahead[~cut] == 1).all()
    assert (ahead[cut] >= 1).all()
    assert set(ahead[cut & began].tolist()) == set(range(1, 12))
    assert (found.recent[began, -1] >= 0).all()
