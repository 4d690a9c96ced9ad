"""Examples hold what was known just before them, and nothing of themselves or of later."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import (
    NONE,
    Examples,
    Profiles,
    example_entries,
    make_examples,
)
from palate.models.realtime.prepare import fit_profiles

CONFIG = RealtimeConfig(recent=2, shown=2, half_life_days=1000)


@pytest.fixture
def events(market: Dataset) -> Events:
    return Events.of(market)


@pytest.fixture
def profiles(market: Dataset, events: Events) -> Profiles:
    return fit_profiles(market, events, CONFIG)


def made(events: Events, profiles: Profiles, config: RealtimeConfig = CONFIG) -> Examples:
    entries = example_entries(events, config, np.ones(len(events), np.bool_))
    (whole,) = make_examples(events, entries, profiles, config)
    return whole


def test_each_column_by_hand(market: Dataset, events: Events, profiles: Profiles) -> None:
    row = market.item_vocabulary.row
    found = made(events, profiles)
    assert found.item.tolist() == [row("x"), row("w"), row("y"), row("x")]
    assert found.recent.tolist() == [
        [NONE, NONE],
        [row("x"), row("x")],
        [NONE, NONE],
        [NONE, row("y")],
    ]
    assert set(found.shown[1].tolist()) == {row("y"), row("z")}  # at the time of the view of w
    assert (found.shown[[0, 2, 3]] == NONE).all()  # Ben was shown nothing
    assert found.outcomes.tolist() == [[1, 1], [0, 1], [0, 1], [0, 1]]
    assert found.context.shape == (4, 5)


def test_the_profile_is_of_before(events: Events, profiles: Profiles) -> None:
    found = made(events, profiles)
    assert profiles.layout is not None
    makes = profiles.layout.names.index("make=BMW")
    assert not found.profile[0].any()  # nobody's first event knows anything
    assert found.profile[1, makes] > 0  # a BMW was looked at
    assert found.profile[3, makes] < 0  # only an Audi was


def test_a_profile_after_the_history_is_that_before_the_next_event(
    events: Events, profiles: Profiles
) -> None:
    histories = events.histories
    cut = histories.slice(0, 1)
    before = profiles.before(cut, np.array([3]))
    from palate.data.histories import Histories

    first = Histories(
        np.array([0, 3]), cut.items[:3], cut.values[:3], cut.timestamps[:3], cut.n_items
    )
    after = profiles.after(first, cut.timestamps[3:4])
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_parts_are_the_whole(events: Events, profiles: Profiles) -> None:
    entries = example_entries(events, CONFIG, np.ones(len(events), np.bool_))
    whole = made(events, profiles)
    parts = list(make_examples(events, entries, profiles, CONFIG, step=3))
    assert [len(part) for part in parts] == [3, 1]
    for name in Examples.__slots__:
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_repeats_are_examples_when_asked(events: Events) -> None:
    config = CONFIG.model_copy(update={"repeats": True})
    everything = np.ones(len(events), np.bool_)
    assert len(example_entries(events, config, everything)) == 5
    assert len(example_entries(events, CONFIG, everything)) == 4


def test_what_may_not_be_learned_from_is_no_example(events: Events) -> None:
    assert len(example_entries(events, CONFIG, np.zeros(len(events), np.bool_))) == 0


def test_each_part_can_be_left_out(events: Events) -> None:
    config = CONFIG.model_copy(update={"recent": 0, "shown": 0, "context": False})
    found = made(events, Profiles(None, None), config)
    assert found.recent.shape == found.shown.shape == (4, 0)
    assert found.profile.shape == found.context.shape == (4, 0)
