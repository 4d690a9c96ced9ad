from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.config import Schema
from palate.errors import StoreError
from palate.events.log.base import Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, USER_UPSERTED, Event
from palate.features.state import State
from palate.store.memory_store import MemoryStore


def make(limit: int = 10) -> State:
    return State(MemoryStore(), Schema(), limit)


def click(user: str, item: str, time: int = 1, **fields: Any) -> Event:
    return Event(event="click", user_id=user, item_id=item, timestamp=time, **fields)


def upsert(item: str, **attributes: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, timestamp=1, attributes=attributes)


def delete(item: str) -> Event:
    return Event(event=ITEM_DELETED, item_id=item, timestamp=2)


def records(*events: Event, start: int = 1) -> list[Record]:
    return [Record(offset, event) for offset, event in enumerate(events, start)]


def test_nobody_and_nothing() -> None:
    state = make()
    assert state.user("u") is None
    assert state.anonymous("u") is None
    assert state.item("i") is None
    assert state.item_states(["i", "j"]) == [None, None]
    assert state.item_states([]) == []
    assert state.items() == []
    assert state.users() == []
    assert state.offset() == 0
    state.apply([])


def test_a_user_and_a_visitor_of_the_same_text_never_mix() -> None:
    state = make()
    visit = Event(event="click", anonymous_id="ann", item_id="b", timestamp=1)
    state.apply(records(click("ann", "a"), visit, click("bob", "c", anonymous_id="ann")))
    user, visitor, bob = state.user("ann"), state.anonymous("ann"), state.user("bob")
    assert user is not None
    assert visitor is not None
    assert bob is not None
    assert (user.item_ids, visitor.item_ids, bob.item_ids) == (["a"], ["b"], ["c"])
    assert state.users() == ["ann", "bob"]


def test_records_are_applied_once() -> None:
    state = make()
    batch = records(click("u", "a"), click("u", "b"))
    state.apply(batch)
    state.apply(batch)
    state.apply(records(click("u", "b"), click("u", "c"), start=2))
    user = state.user("u")
    assert user is not None
    assert user.item_ids == ["a", "b", "c"]
    assert state.offset() == 3


def test_it_says_when_an_item_changed_last() -> None:
    state = make()
    assert state.items_offset() is None
    state.apply(records(click("u", "i")))
    assert state.items_offset() == 0
    state.apply(records(upsert("i"), click("u", "i"), start=2))
    assert (state.items_offset(), state.offset()) == (2, 3)
    state.apply(records(click("u", "i"), start=4))
    assert state.items_offset() == 2
    state.apply(records(delete("i"), start=5))
    assert state.items_offset() == 5


def test_what_is_no_taste_enters_no_history() -> None:
    state = make()
    state.apply(
        records(
            Event(event="search", user_id="u", timestamp=1),
            Event(event="served", user_id="u", item_id="i", timestamp=1),
            Event(event="user.identified", user_id="u", item_id="i", timestamp=1),
            Event(event="click", item_id="i", timestamp=1),
        )
    )
    assert state.user("u") is None
    assert state.offset() == 4


def test_a_deleted_item_is_a_tombstone_until_it_comes_back() -> None:
    state = make()
    state.apply(records(upsert("i", title="One"), delete("i")))
    item = state.item("i")
    assert item is not None
    assert (item.deleted, item.showable, item.attributes) == (True, False, {})
    assert state.items() == []
    state.apply(records(upsert("i", title="Two"), start=3))
    item = state.item("i")
    assert item is not None
    assert (item.deleted, item.showable) == (False, True)
    assert (item.attributes, item.updated_offset) == ({"title": "Two"}, 3)


def test_an_item_deleted_before_it_was_known() -> None:
    state = make()
    state.apply(records(delete("i")))
    item = state.item("i")
    assert item is not None
    assert item.deleted


@pytest.mark.parametrize(("hidden", "wanted"), [(True, True), (False, False), ("yes", False)])
def test_hidden_is_the_attribute_true(hidden: Any, wanted: bool) -> None:
    state = make()
    state.apply(records(upsert("i", hidden=hidden), upsert("j")))
    i, j = state.item_states(["i", "j"])
    assert i is not None
    assert j is not None
    assert (i.hidden, i.showable) == (wanted, not wanted)
    assert not j.hidden


def test_items_come_in_pages_by_id_without_the_deleted() -> None:
    state = make()
    ids = [f"i{n:03}" for n in range(600)]
    state.apply(records(*map(upsert, reversed(ids)), *map(delete, ids[100:500])))
    live = ids[:100] + ids[500:]
    assert [i for i, _ in state.items(limit=1000)] == live
    pages: list[list[str]] = []
    after = None
    while page := state.items(after=after, limit=70):
        pages.append([i for i, _ in page])
        after = page[-1][0]
    assert [i for page in pages for i in page] == live
    assert [len(page) for page in pages] == [70, 70, 60]
    assert state.items(after="z") == []
    assert [i for i, _ in state.items(after="i0505", limit=1)] == ["i051"]
    assert state.items(limit=0) == []


def test_ids_that_no_text_has() -> None:
    state = make()
    assert state.user("\ud800") is None
    assert state.item("\udcff") is None
    assert state.item_states(["\ud800", "x" * 9999]) == [None, None]


def test_another_history_limit_rebuilds(tmp_path: Path) -> None:
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append([click("u", f"i{n}", n + 1, event_id=f"e{n}") for n in range(6)])
        store = MemoryStore()
        State(store, Schema(), 2).catch_up(log)
        wider = State(store, Schema(), 5)
        assert not wider.is_current()
        assert wider.catch_up(log) == 6
        assert wider.is_current()
        user = wider.user("u")
        assert user is not None
        assert user.item_ids == ["i1", "i2", "i3", "i4", "i5"]


def test_state_of_another_version_is_refused_by_readers() -> None:
    state = make()
    state.store.write({b"u:ann": b"\xa3old", b"i:one": b"\xa3old"})
    for read in (lambda: state.user("ann"), lambda: state.item("one"), lambda: state.items()):
        with pytest.raises(StoreError, match="another version"):
            read()


def test_the_state_of_another_log_is_refused(tmp_path: Path) -> None:
    state = make()
    state.apply(records(click("u", "a"), click("u", "b")))
    with (
        SqliteEventLog(tmp_path / "log.sqlite") as log,
        pytest.raises(StoreError, match="ends at 0"),
    ):
        state.catch_up(log)


def test_catching_up_tells_its_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append([click("u", "a", event_id=f"e{n}") for n in range(25_000)])
        state = make()
        assert state.catch_up(log, lambda done, total, _: told.append((done, total))) == 25_000
        assert state.catch_up(log) == 0
    assert told == [(10_000, 25_000), (20_000, 25_000), (25_000, 25_000)]


EVENTS = st.one_of(
    st.builds(
        lambda n, user, item, time, value, event: Event(
            event=event, event_id=f"c{n}", user_id=user, item_id=item, timestamp=time, value=value
        ),
        st.integers(0, 30),
        st.sampled_from("uvw"),
        st.sampled_from("ijk") | st.none(),
        st.integers(1, 5),
        st.none() | st.floats(-5, 5),
        st.sampled_from(["click", "buy", "served"]),
    ),
    st.builds(
        lambda n, item, hidden: Event(
            event=ITEM_UPSERTED,
            event_id=f"p{n}",
            item_id=item,
            timestamp=1,
            attributes={"hidden": hidden},
        ),
        st.integers(0, 30),
        st.sampled_from("ijk"),
        st.booleans(),
    ),
    st.builds(
        lambda n, item: Event(event=ITEM_DELETED, event_id=f"d{n}", item_id=item, timestamp=1),
        st.integers(0, 30),
        st.sampled_from("ijk"),
    ),
    st.builds(
        lambda n, user, age: Event(
            event=USER_UPSERTED,
            event_id=f"a{n}",
            user_id=user,
            timestamp=1,
            attributes={"age": age},
        ),
        st.integers(0, 30),
        st.sampled_from("uvw"),
        st.integers(0, 3),
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(EVENTS, max_size=8), max_size=8), st.integers(1, 4))
def test_state_is_a_function_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, posted: list[list[Event]], limit: int
) -> None:
    """Batch by batch, rebuilt, and recomputed by hand from the distinct events: all the same."""
    log = SqliteEventLog(tmp_path_factory.mktemp("log") / "log.sqlite")
    lived, rebuilt = make(limit), make(limit)
    distinct: dict[str, Event] = {}
    for batch in posted:
        head = log.head()
        log.append(batch)
        lived.apply(log.read(head))
        for event in batch:
            distinct.setdefault(event.event_id, event)
    rebuilt.apply(records(click("junk", "junk")))
    rebuilt.rebuild(log)
    log.close()
    assert list(lived.store.scan(b"")) == list(rebuilt.store.scan(b""))
    assert lived.offset() == rebuilt.offset() == len(distinct)

    order = list(distinct.values())
    for name in "uvw":
        theirs = [e for e in order if e.user_id == name and e.item_id and e.event != "served"]
        upserts = [e for e in order if e.user_id == name and e.event == USER_UPSERTED]
        user = lived.user(name)
        if not theirs and not upserts:
            assert user is None
            continue
        assert user is not None
        kept = sorted(theirs, key=lambda e: e.timestamp)[-limit:]
        assert user.item_ids == [e.item_id for e in kept]
        assert user.events == [e.event for e in kept]
        assert user.values == [e.value for e in kept]
        assert user.attributes == (upserts[-1].attributes if upserts else {})
    for name in "ijk":
        changes = [e for e in order if e.item_id == name and e.event.startswith("item.")]
        item = lived.item(name)
        assert (item is None) == (not changes)
        if item is not None:
            assert item.deleted == (changes[-1].event == ITEM_DELETED)
            assert item.hidden == bool((changes[-1].attributes or {}).get("hidden"))
