"""Counts of what exploration tried: each try and each outcome once, whoever reads from where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.config import EventType, Schema
from palate.events.identity import uuid7
from palate.events.log.base import Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_UPSERTED, SERVED, Event
from palate.events.served import Slate, served_event
from palate.serve import trials
from palate.serve.trials import STRETCHES, ServedTrials

SCHEMA = Schema(
    events={"view": EventType(), "contact": EventType(weight=4), "hide": EventType(weight=-1)}
)


class ListLog:
    """A log in memory, as far as a follower needs one."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.records = [Record(n, event) for n, event in enumerate(events, start=1)]

    def append(self, events: Sequence[Event]) -> None:
        first = len(self.records) + 1
        self.records += [Record(n, event) for n, event in enumerate(events, start=first)]

    def head(self) -> int:
        return len(self.records)

    def read(self, after: int = 0, *, limit: int, events: Sequence[str]) -> list[Record]:
        return [r for r in self.records[after:] if r.event.event in events][:limit]


def served(request: str, **propensities: float) -> Event:
    slate = Slate(
        request_id=request,
        timestamp=1,
        items=list(propensities),
        scores=[0.0] * len(propensities),
        propensities=list(propensities.values()),
    )
    return served_event(slate, uuid7())


def took(request: str | None, item: str, event: str = "view") -> Event:
    return Event(event=event, event_id=uuid7(), user_id="ann", item_id=item, request_id=request)


def changed() -> Event:
    return Event(event=ITEM_UPSERTED, event_id=uuid7(), item_id="x")


def followed(log: Any, **options: Any) -> ServedTrials:
    found = ServedTrials(log, SCHEMA, **options)
    while found.follow():
        pass
    return found


def counts(found: ServedTrials, *items: str) -> list[tuple[int, int]]:
    return [(int(shown), int(taken)) for shown, taken in found.counts(items)]


def test_a_place_that_was_drawn_is_a_try() -> None:
    log = ListLog([served("r1", top=1.0, new=0.1), served("r2", top=1.0, other=0.9)])
    assert counts(followed(log), "new", "other", "top", "never") == [(1, 0), (1, 0), (0, 0), (0, 0)]
    assert ServedTrials(log, SCHEMA).counts([]).shape == (0, 2)  # type: ignore[arg-type]


def test_the_only_new_item_there_is_counts_though_it_was_certain() -> None:
    slate = Slate(
        request_id="r1",
        timestamp=1,
        items=["top", "new"],
        scores=[0.0, 0.0],
        propensities=[1.0, 1.0],
        drawn=[1],
    )
    log = ListLog([served_event(slate, uuid7()), took("r1", "new"), took("r1", "top")])
    assert counts(followed(log), "new", "top") == [(1, 1), (0, 0)]


def test_a_stretch_counts_no_more_tries_than_it_has_offsets() -> None:
    log = ListLog([served("r1", a=0.5, b=0.5, c=0.5), served("r2", d=0.5)])
    assert counts(followed(log, offsets=2), "a", "b", "c", "d") == [(1, 0), (1, 0), (0, 0), (1, 0)]


def test_an_outcome_counts_once_for_its_slate() -> None:
    log = ListLog(
        [
            served("r1", new=0.1, other=0.2),
            served("r2", new=0.1),
            took("r1", "new"),
            took("r1", "new", "contact"),
            took("r1", "new"),
        ]
    )
    assert counts(followed(log), "new", "other") == [(2, 1), (1, 0)]


@pytest.mark.parametrize(
    "event",
    [
        took(None, "new"),
        took("elsewhere", "new"),
        took("r1", "other"),
        took("r1", "new", "hide"),
        took("r1", "new", "undeclared"),
    ],
    ids=["no slate", "another slate", "another item", "a dislike", "undeclared"],
)
def test_what_takes_nothing(event: Event) -> None:
    assert counts(followed(ListLog([served("r1", new=0.1), event])), "new") == [(1, 0)]


def test_an_outcome_may_be_logged_before_its_slate() -> None:
    """Workers log slates in batches, a moment after they answered."""
    log = ListLog([took("r1", "new"), took("r1", "new"), served("r1", new=0.1)])
    assert counts(followed(log), "new") == [(1, 1)]


def test_what_is_no_slate_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    broken = Event(event=SERVED, context={"propensities": [0.5], "items": "no list"})
    log = ListLog([broken, served("r1", new=0.1)])
    assert counts(followed(log), "new") == [(1, 0)]
    assert "a slate is not counted" in caplog.text


def test_a_try_ages_out_with_its_stretch() -> None:
    log = ListLog([served("r1", new=0.1), took("r1", "new")])
    found = followed(log, offsets=4)
    log.append([changed()] * (4 * STRETCHES - 3))
    found.follow()
    assert counts(found, "new") == [(1, 1)], "the newest of sixteen stretches has just begun"
    log.append([changed()])
    found.follow()
    assert counts(found, "new") == [(0, 0)]
    assert len(found) == 0


def test_memory_is_bounded_by_the_stretches() -> None:
    log = ListLog(
        [
            served(f"r{n}", **{f"a{n}": 0.5, f"b{n}": 0.5, f"c{n}": 0.5})
            if n % 2
            else took(f"early{n}", "x")
            for n in range(1000)
        ]
    )
    found = followed(log, offsets=10)
    assert len(found) <= 10 * STRETCHES
    assert len(found._stretches) <= STRETCHES
    assert sum(len(s.open) for s in found._stretches) <= 10 * STRETCHES
    assert sum(len(s.early) for s in found._stretches) <= 2 * 10


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("shown"), st.integers(0, 15), st.integers(0, 3)),
        st.tuples(st.just("taken"), st.integers(0, 15), st.integers(0, 3)),
        st.just(("change", 0, 0)),
    ),
    max_size=150,
)


@given(EVENTS, st.data())
@settings(max_examples=150, deadline=None)
def test_workers_agree_wherever_they_began(
    history: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """One from the first record, one in pieces, one that starts now."""
    events, used = [], set[int]()
    for kind, request, item in history:
        if kind == "shown" and request not in used:  # each slate has an id of its own
            used.add(request)
            events.append(served(f"r{request}", **{f"i{item}": 0.5, "sure": 1.0}))
        elif kind == "taken":
            events.append(took(f"r{request}", f"i{item}"))
        else:
            events.append(changed())
    log = ListLog()
    whole = ServedTrials(log, SCHEMA, offsets=3)  # type: ignore[arg-type]
    cut = data.draw(st.integers(0, len(events)))
    for event in events[:cut]:
        log.append([event])
        whole.follow()
    log.append(events[cut:])
    while whole.follow():
        pass
    begun = ServedTrials(log, SCHEMA, offsets=3)  # type: ignore[arg-type]
    begun.fill()
    ids = [f"i{n}" for n in range(4)] + ["sure"]
    assert counts(whole, *ids) == counts(begun, *ids)
    assert all(taken <= shown for shown, taken in counts(begun, *ids))


def test_over_a_real_log_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_TAIL", 7)
    log = SqliteEventLog(tmp_path / "log.sqlite")
    for n in range(30):
        log.append([served(f"r{n}", new=0.5), changed()])
        if n % 3 == 0:
            log.append([took(f"r{n}", "new")])
    beside = SqliteEventLog(tmp_path / "log.sqlite", read_only=True)
    found = ServedTrials(beside, SCHEMA)
    found.fill()
    assert counts(found, "new") == [(30, 10)]
    assert found.follow() == 0
    log.append([served("late", new=0.5)])
    assert found.follow() == 1
    assert counts(found, "new") == [(31, 10)]
    beside.close()
    log.close()
