from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.config import Schema
from palate.events.log.base import Record
from palate.events.log.interactions import Interactions, interactions
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.features import recent_ids
from palate.features import state as state_module
from palate.features.bulk import load
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.testing.event_log import click


def make(limit: int = 3) -> State:
    return State(MemoryStore(), Schema(), limit)


def stored(state: State) -> dict[bytes, bytes]:
    """All but when an item changed last: of many records at once that is known less closely."""
    return {name: raw for name, raw in state.store.scan(b"") if name != state_module._ITEMS}


PEOPLE = st.sampled_from("uv")
VISITORS = st.sampled_from("ua")  # "u" is a user and a visitor
ITEMS = st.sampled_from("ijk")
CLICKS = st.builds(
    lambda who, item, time, value, event: Event(
        event=event, user_id=who[0], anonymous_id=who[1], item_id=item, timestamp=time, value=value
    ),
    st.one_of(
        st.tuples(PEOPLE, st.none()), st.tuples(st.none(), VISITORS), st.tuples(PEOPLE, VISITORS)
    ),
    ITEMS,
    st.integers(1, 3),
    st.none() | st.floats(-5, 5),
    st.sampled_from(["click", "buy"]),
)
OTHERS = st.one_of(
    st.builds(
        lambda user, visitor: Event(
            event=USER_IDENTIFIED, user_id=user, anonymous_id=visitor, timestamp=1
        ),
        PEOPLE,
        VISITORS,
    ),
    st.builds(
        lambda user, age: Event(
            event=USER_UPSERTED, user_id=user, timestamp=1, attributes={"age": age}
        ),
        PEOPLE,
        st.integers(0, 3),
    ),
    st.builds(
        lambda kind, item: Event(event=kind, item_id=item, timestamp=1),
        st.sampled_from([ITEM_UPSERTED, ITEM_DELETED]),
        ITEMS,
    ),
    st.sampled_from(
        [
            Event(event="visit", user_id="u", timestamp=1),
            Event(event="served", user_id="u", item_id="i", timestamp=1),
            Event(event="click", item_id="i", timestamp=1),
        ]
    ),
)
EVENTS = st.lists(st.one_of(CLICKS, CLICKS, CLICKS, OTHERS), min_size=12, max_size=40)


def numbered(batch: list[Event], start: int) -> list[Event]:
    return [msgspec.structs.replace(e, event_id=f"e{n}") for n, e in enumerate(batch, start)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.integers(1, 6), st.sampled_from([3, 11, 100]), st.randoms(use_true_random=False))
def test_many_at_once_is_one_batch_after_another(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[Event],
    limit: int,
    chunk: int,
    random: Random,
) -> None:
    events = numbered(events, 0)
    told: list[Event] = []
    lived, single, at_once, joined = (make(limit) for _ in range(4))
    with (
        pytest.MonkeyPatch.context() as patch,
        SqliteEventLog(
            tmp_path_factory.mktemp("log") / "log.sqlite", dedup_window_s=random.choice([0, 60])
        ) as log,
    ):
        patch.setattr(recent_ids, "PAGE", 2)
        patch.setattr(recent_ids, "PAGES", random.choice([2, 7, 100]))
        for name, size in {"CHUNK": chunk, "READ": 3, "_WRITE": 2, "_PAGE": 2}.items():
            patch.setattr(load, name, size)
        patch.setattr(state_module, "_MANY", 1)
        while events:
            batch, events = events[:8], events[8:]
            head = log.head()
            log.append(batch + told[: random.randrange(8)])  # some of it again
            told = batch + told
            lived.apply(log.read(head))
            if random.random() < 0.3:
                joined.catch_up(log)
        for record in log.read():
            single.apply([record])
        at_once.rebuild(log)
        joined.catch_up(log)
    assert stored(single) == stored(lived)
    assert stored(at_once) == stored(lived)
    assert stored(joined) == stored(lived)
    assert at_once.offset() == joined.offset() == lived.offset()
    newest = lived.items_offset() or 0
    for state in (single, at_once, joined):
        assert newest <= (state.items_offset() or 0) <= state.offset()


def test_chunks_of_the_usual_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "_MANY", 1)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append([click(n, f"user-{n % 13}") for n in range(2000)])
        lived, at_once = make(50), make(50)
        lived.apply(log.read(limit=2000))
        told: list[tuple[int, int]] = []
        at_once.rebuild(log, lambda done, total, _: told.append((done, total)))
    assert stored(at_once) == stored(lived)
    assert told == [(1000, 2000), (2000, 2000)]


def test_a_load_that_was_cut_short_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "_MANY", 1)
    monkeypatch.setattr(load, "CHUNK", 10)
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append([click(n) for n in range(30)])
        state, lived = make(50), make(50)
        lived.apply(log.read())

        def stop(done: int, _: int, __: str) -> None:
            if done > 15:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            state.catch_up(log, stop)
        assert state.offset() == 0
        assert stored(state)  # something was written
        assert not state.is_current()
        state.catch_up(log)
    assert stored(state) == stored(lived)


def test_columns_of_a_log_that_has_none(tmp_path: Path) -> None:
    class Plain:
        def __init__(self, log: SqliteEventLog) -> None:
            self._log = log

        def __getattr__(self, name: str) -> Any:
            if name == "interactions":
                raise AttributeError(name)
            return getattr(self._log, name)

    events = [
        click(1),
        Event(event="visit", user_id="u", timestamp=1, event_id="a"),
        Event(event="served", user_id="u", item_id="i", timestamp=1, event_id="b"),
        Event(event="click", anonymous_id="v", item_id="i", timestamp=9, event_id="c", value=2.5),
        Event(event="click", item_id="i", timestamp=9, event_id="d"),
        click(2),
    ]
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(events)
        wanted = interactions(log, 0, 5)
        assert wanted.offsets == (1, 4)
        assert wanted.values == (None, 2.5)
        assert interactions(Plain(log), 0, 5) == wanted
        assert interactions(Plain(log), 4, 5) == interactions(log, 4, 5) == Interactions()


def test_nothing_to_take_in() -> None:
    state = make()
    state.apply([Record(1, click(1))])
    before = stored(state)
    with pytest.raises(StopIteration):
        next(iter(load.take_in(state.store, None, 1, 1, 3)))  # type: ignore[arg-type]
    assert stored(state) == before
