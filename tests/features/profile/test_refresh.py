"""The average person, refreshed: when it is due, from whom, under which version."""

from __future__ import annotations

from pathlib import Path

import pytest

from palate.config import Attribute, ProfileSettings, Schema, Settings
from palate.events.log.base import Record
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.features.profile import ProfileDefinition, Statistics, preferences, refresh
from palate.features.profile.refresh import PriorRefresh, refresh_prior
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.types import AttributeKind

HOUR_US = 3_600_000_000
NOW_US = 20_000 * 24 * HOUR_US
SCHEMA = Schema(
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "never": Attribute(kind=AttributeKind.CATEGORY),
        "price": Attribute(kind=AttributeKind.NUMBER),
    }
)
DEFINITION = ProfileDefinition.of(SCHEMA)


def state_of(people: int, *, start: int = 0) -> State:
    state = State(MemoryStore(), SCHEMA, 5, profile=DEFINITION)
    _more(state, people, start=start)
    return state


def _more(state: State, people: int, *, start: int = 0) -> None:
    events = [
        Event(event=ITEM_UPSERTED, item_id=c, attributes={"colour": c, "price": 1000 * n})
        for n, c in enumerate(("red", "blue"))
    ]
    events += [
        Event(
            event="view",
            user_id=f"u{n}",
            item_id="red" if n % 4 else "blue",
            timestamp=NOW_US,
        )
        for n in range(start, start + people)
    ]
    offset = state.offset()
    state.apply([Record(offset + n, event) for n, event in enumerate(events, 1)])


def test_the_average_of_those_there_are() -> None:
    state = state_of(200)
    prior = refresh_prior(state.profiles, NOW_US)
    assert prior is not None
    assert prior == state.profiles.prior(DEFINITION.fingerprint)
    assert prior.version == NOW_US // 1_000_000
    assert set(prior.categories) == {"colour"}, "nobody knows anything of the other"
    nobody = preferences(Statistics.empty(DEFINITION), prior, NOW_US, DEFINITION)
    assert nobody.categories["colour"].probability["red"] == pytest.approx(0.75, abs=0.02)


def test_too_few_people_make_no_average() -> None:
    state = state_of(9)
    step = PriorRefresh(state.profiles, people=100, hours=24.0).step
    assert not step(NOW_US)
    assert state.profiles.prior(DEFINITION.fingerprint) is None
    _more(state, 10, start=9)
    assert not step(NOW_US + 1), "it waits a minute before it looks again"
    assert state.profiles.prior(DEFINITION.fingerprint) is None
    assert not step(NOW_US + HOUR_US)
    assert state.profiles.prior(DEFINITION.fingerprint) is not None


def test_it_is_learned_again_when_it_is_due() -> None:
    state = state_of(50)
    step = PriorRefresh(state.profiles, people=100, hours=24.0).step

    def version(at_us: int) -> int:
        assert not step(at_us)
        prior = state.profiles.prior(DEFINITION.fingerprint)
        assert prior is not None
        return prior.version

    first = version(NOW_US)
    assert version(NOW_US + 11 * HOUR_US) == first
    second = version(NOW_US + 12 * HOUR_US)  # half the people that were wanted: half the time
    assert second == first + 12 * 3600
    _more(state, 100, start=50)
    third = version(NOW_US + 24 * HOUR_US)
    assert third == first + 24 * 3600
    assert version(NOW_US + 47 * HOUR_US) == third
    assert version(NOW_US + 48 * HOUR_US) > third


def test_a_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "_STEP", 20)
    state = state_of(50)
    steps = PriorRefresh(state.profiles, people=30, hours=24.0)
    assert [steps.step(NOW_US) for _ in range(4)] == [True, True, False, False]
    learned = state.profiles.learned(DEFINITION.fingerprint)
    assert learned is not None
    assert learned[1] == 30


def test_without_profiles_there_is_nothing_to_do() -> None:
    state = State(MemoryStore(), SCHEMA, 5)
    assert not PriorRefresh(state.profiles, people=10, hours=1.0).step(NOW_US)
    assert refresh_prior(state.profiles, NOW_US) is None


def test_the_logs_owner_learns_it_while_it_keeps_up(tmp_path: Path) -> None:
    settings = Settings(items=SCHEMA.items, profile=ProfileSettings(attributes=("colour",)))
    with open_ingest(tmp_path, settings) as ingest:
        ingest.append([Event(event=ITEM_UPSERTED, item_id="i", attributes={"colour": "red"})])
        ingest.append([Event(event="view", user_id=f"u{n}", item_id="i") for n in range(20)])
        while ingest.keep_up(NOW_US):
            pass
        definition = ingest.state.profiles.definition
        assert definition is not None
        assert tuple(definition.attributes) == ("colour",)
        assert ingest.state.profiles.prior(definition.fingerprint) is not None
