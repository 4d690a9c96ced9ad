"""Recent ids: what a log delivers twice counts once, however its records are batched."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.full_store import FullStore
from tests.features.profiled import (
    DEFINITION,
    NOW_US,
    START_US,
    car,
    make,
    records,
    view,
)

from palate.config import Schema
from palate.errors import StoreError
from palate.events.log.base import Record
from palate.events.log.interactions import Interactions
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_DELETED, Event
from palate.features import recent_ids
from palate.features.keys import RECENT
from palate.features.profile import (
    CategoryPrior,
    ItemEvidence,
    NumberPrior,
    Prior,
    ProfileLayout,
)
from palate.features.profile.replay import profiles_at
from palate.features.recent_ids import BulkIds, RecentIds
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.store.reflects import OutOfStepError

PAGE, PAGES = 2, 3  # so that six offsets or fewer are remembered
CLICKS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from(["a", "b", "c", "d", "e", "f", "g", ""])),
    max_size=40,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_ids, "PAGE", PAGE)
    monkeypatch.setattr(recent_ids, "PAGES", PAGES)


def clicks(drawn: list[tuple[int, str]]) -> list[Record]:
    """Records, some offsets apart."""
    offsets = np.cumsum([gap for gap, _ in drawn]).tolist()
    return [
        Record(offset, Event(event="click", event_id=name, user_id="u", item_id="i", timestamp=1))
        for offset, (_, name) in zip(offsets, drawn, strict=True)
    ]


def repeats_none(told: list[Record]) -> list[Record]:
    """By looking at all records before each."""
    return [
        one
        for n, one in enumerate(told)
        if one.event.event_id == ""
        or not any(
            before.event.event_id == one.event.event_id
            and one.offset // PAGE - before.offset // PAGE < PAGES
            for before in told[:n]
        )
    ]


def columns(told: list[Record]) -> Interactions:
    n = len(told)
    return Interactions(
        tuple(one.offset for one in told),
        ("click",) * n,
        ("u",) * n,
        (None,) * n,
        ("i",) * n,
        (1,) * n,
        (None,) * n,
        tuple(one.event.event_id for one in told),
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(CLICKS, st.randoms(use_true_random=False), st.integers(0, 9))
def test_however_records_are_batched_those_that_repeat_one_are_left_out(
    small: None, drawn: list[tuple[int, str]], random: Random, beyond: int
) -> None:
    """One process, one that begins again after each batch, and columns for the second half."""
    told = clicks(drawn)
    wanted, end = repeats_none(told), (told[-1].offset if told else 0) + beyond
    found: dict[str, list[Record]] = {"lived": [], "again": [], "bulk": []}
    stores = {name: MemoryStore() for name in found}
    lived, at = RecentIds(), 0
    while at < len(told):
        part, start = told[at : at + random.randrange(1, 9)], told[at - 1].offset if at else 0
        at += len(part)
        found["lived"] += lived.once(part)
        stores["lived"].write(lived.changed(part[-1].offset))
        again = RecentIds.at(stores["again"], start)
        found["again"] += again.once(part)
        stores["again"].write(again.changed(part[-1].offset))
    stores["lived"].write(lived.changed(end))
    stores["again"].write(
        RecentIds.at(stores["again"], told[-1].offset if told else 0).changed(end)
    )
    half = random.randrange(len(told) + 1)
    middle = told[half - 1].offset if half else 0
    recent = RecentIds()
    found["bulk"] += recent.once(told[:half])
    stores["bulk"].write(recent.changed(middle))
    recent = RecentIds.at(stores["bulk"], middle)
    bulk = BulkIds(recent, middle, end)
    for at in range(half, len(told), 2):
        kept = set(bulk.once(columns(told[at : at + 2])).offsets)
        found["bulk"] += [one for one in told[at : at + 2] if one.offset in kept]
    stores["bulk"].write(recent.changed(end))
    for name, kept_ in found.items():
        assert kept_ == wanted, name
        assert dict(stores[name].scan(b"")) == dict(stores["lived"].scan(b"")), name


def test_only_what_somebody_did_with_an_item_has_a_part_in_it() -> None:
    """What items and users are is told whole: the last in the log counts, and may be all of it."""
    state = State(MemoryStore(), Schema(), 9)
    told = [
        car("i", colour="red"),
        Event(event=ITEM_DELETED, item_id="i", timestamp=1),
        car("i", colour="red"),
    ]
    state.apply(records(*(msgspec.structs.replace(event, event_id="same") for event in told)))
    item = state.item("i")
    assert item is not None
    assert (item.deleted, item.attributes, item.updated_offset) == (False, {"colour": "red"}, 3)
    assert list(state.store.scan(RECENT)) == []


def test_without_an_id_nothing_is_repeated() -> None:
    state = State(MemoryStore(), Schema(), 9)
    state.apply(records(view("u", "i"), view("u", "i")))
    user = state.user("u")
    assert user is not None
    assert user.item_ids == ["i", "i"]


def test_ids_are_written_with_what_they_stand_for() -> None:
    """A write that fails leaves nothing: what is sent again is new."""

    store = FullStore()
    state = State(store, Schema(), 9)
    state.apply(records(view("u", "i", event_id="a")))
    store.full = True
    with pytest.raises(StoreError, match="full"):
        state.apply(records(view("u", "j", event_id="b"), start=2))
    store.full = False
    with pytest.raises(OutOfStepError):
        state.apply(records(view("u", "k", event_id="c"), start=3), after=2)
    state.apply(records(view("u", "j", event_id="b"), view("u", "k", event_id="c"), start=2))
    state.apply(records(*(view("u", "x", event_id=name) for name in "abc"), start=4))
    user = state.user("u")
    assert user is not None
    assert (user.item_ids, state.offset()) == (["i", "j", "k"], 6)


def test_a_state_that_came_back_older_knows_what_it_knew_then() -> None:
    store = MemoryStore()
    state = State(store, Schema(), 9)
    state.apply(records(view("u", "i", event_id="a")))
    then = dict(store.scan(b""))
    told = records(view("u", "j", event_id="b"), start=2)
    state.apply(told)
    store.clear()
    store.write(then, offset=1)  # as a server that lost the last write
    state.apply(told)
    user = state.user("u")
    assert user is not None
    assert user.item_ids == ["i", "j"]


def test_partitions_go_on_independently() -> None:
    state = make()
    state.apply(records(car("i", colour="red"), view("u", "i", event_id="a")))
    state.apply(records(view("v", "i", event_id="a"), view("v", "i", event_id="b")), partition=1)
    state.apply(records(view("v", "i", event_id="b"), start=3), partition=1)
    state.apply(records(view("u", "i", event_id="b"), start=3), after=2)
    assert [state.store.offset(partition) for partition in (0, 1, 2)] == [3, 3, 0]
    assert state.items_offset() == 1
    for who in "uv":
        found = state.profiles.user(who)
        assert found is not None
        assert found.statistics().counts == {"colour": {"red": 2.0}}, who
    state.apply(records(car("j", colour="blue"), start=4), partition=1)
    assert state.items_offset() is None, "offsets of two partitions cannot be compared"
    state.apply(records(car("k", colour="blue"), start=4))
    assert state.items_offset() is None


PRIOR = Prior(
    DEFINITION.fingerprint,
    1,
    {
        "colour": CategoryPrior({"red": 1.0, "blue": 0.5}, 0.1),
        "extras": CategoryPrior({"roof": 0.7, "hook": 0.2}, 0.3),
    },
    {"price": NumberPrior(9_000.0, 0.5, 2.0, 1e6)},
)
CARS: dict[str, dict[str, Any]] = {
    "i": {"colour": "red", "extras": ["roof", "hook"], "price": 9_000},
    "j": {"colour": "blue", "price": 20_000.5},
    "k": {"extras": ["bell"]},
}
LATE = st.lists(
    st.tuples(
        st.sampled_from("uv"),
        st.sampled_from("ijk"),
        st.integers(START_US, NOW_US),
        st.sampled_from(["view", "contact"]),
        st.floats(0.25, 4.0),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(LATE, st.lists(st.integers(0, 200), max_size=30), st.randoms(use_true_random=False))
def test_with_late_and_duplicate_events_it_is_the_batch_recomputation(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, str, int, str, float]],
    again: list[int],
    random: Random,
) -> None:
    """Through a log that delivers some twice; recomputed from each event once, by time."""
    events = [
        view(who, item, at_us, event=kind, value=value, event_id=f"e{n}")
        for n, (who, item, at_us, kind, value) in enumerate(drawn)
    ]
    layout = ProfileLayout(DEFINITION, PRIOR)
    lived, rebuilt = make(), make()
    with SqliteEventLog(tmp_path_factory.mktemp("log") / "log.sqlite", dedup_window_s=0) as log:
        cars = [car(name, **said) for name, said in CARS.items()]
        log.append([msgspec.structs.replace(one, event_id=one.item_id or "") for one in cars])
        lived.apply(log.read())
        arrived = [*events, *(events[n % len(events)] for n in again)]
        random.shuffle(arrived)
        while arrived:
            head = log.head()
            size = random.randrange(1, 9)
            log.append(arrived[:size])
            arrived = arrived[size:]
            lived.apply(log.read(head))
        rebuilt.rebuild(log)
    evidence = ItemEvidence.of(DEFINITION, list(CARS.values()))
    rows = {name: row for row, name in enumerate(CARS)}
    for who in {event.user_id for event in events}:
        own = sorted((e for e in events if e.user_id == who), key=lambda e: e.timestamp)
        wanted = profiles_at(
            layout,
            evidence,
            np.array([0, len(own)]),
            np.array([rows[e.item_id or ""] for e in own], np.int32),
            np.array([DEFINITION.weight(e.event, e.value) for e in own]),
            np.array([e.timestamp for e in own]),
            np.array([NOW_US]),
        )[0]
        for state in (lived, rebuilt):
            found = state.profiles.user(who or "")
            assert found is not None
            assert layout.vector(found, NOW_US) == pytest.approx(wanted, rel=1e-6, abs=1e-6)
