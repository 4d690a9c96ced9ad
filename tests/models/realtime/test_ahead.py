"""How far ahead of what is known an example looks."""

from __future__ import annotations

import numpy as np

from palate.data import Dataset
from palate.data.histories import Histories
from palate.models.realtime.ahead import last_known
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import example_entries, make_examples
from palate.models.realtime.prepare import fit_profiles

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
