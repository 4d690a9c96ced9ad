"""A person's records: which they are, and what is left when they go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from palate.events.log import tables
from palate.events.log.people import People, blank, erase, records_about, visitors_of
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import USER_FORGOTTEN, USER_IDENTIFIED, Event


def rows() -> list[Event]:
    made = [
        Event(event="click", user_id="ann", item_id="1"),
        Event(event="click", user_id="bob", item_id="ann"),
        Event(event="click", anonymous_id="v", item_id="3"),
        Event(event="click", user_id="bob", anonymous_id="v", item_id="4"),
        Event(event="click", user_id="ann", anonymous_id="v", item_id="5"),
        Event(event=USER_IDENTIFIED, user_id="ann", anonymous_id="v"),
        Event(event="click", anonymous_id="ann", item_id="7"),
        Event(event="search", user_id="ann"),
        Event(event=USER_FORGOTTEN, user_id="ann"),
    ]
    return [
        Event(
            event=e.event, event_id=f"e{n}", user_id=e.user_id, anonymous_id=e.anonymous_id,
            item_id=e.item_id, timestamp=n + 1,
        )
        for n, e in enumerate(made)
    ]  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        log.append(rows())
        yield log


def connection(log: SqliteEventLog) -> sqlite3.Connection:
    return tables.connect(log.path, read_only=True)


@pytest.mark.parametrize(
    ("people", "offsets"),
    [
        (People(), []),
        (People(("ann",)), [1, 5, 6, 8]),
        (People(("ann",), ("v",)), [1, 3, 5, 6, 8]),
        (People((), ("ann",)), [7]),
        (People(("nobody", "bob")), [2, 4]),
        (People(('"', "'; DROP TABLE events; --")), []),
    ],
)
def test_whose_records_are_whose(log: SqliteEventLog, people: People, offsets: list[int]) -> None:
    with closing(connection(log)) as reader:
        assert [r.offset for r in records_about(reader, people, 0, 100)] == offsets
        within = [offset for offset in offsets if 2 < offset <= 5]
        assert [r.offset for r in records_about(reader, people, 2, 5)] == within


def test_visitors_are_those_who_were_identified(log: SqliteEventLog) -> None:
    with closing(connection(log)) as reader:
        assert visitors_of(reader, "ann") == ("v",)
        assert visitors_of(reader, "bob") == ()


def test_what_is_left_when_they_go(log: SqliteEventLog) -> None:
    people = People(("ann",), ("v",))
    assert log.erase(lambda writer: erase(writer, people, 0, 4)) == 2
    assert log.erase(lambda writer: erase(writer, people, 4, 100)) == 3
    log.erase(lambda writer: blank(writer, [9, 2]))
    left = [(r.offset, r.event.user_id, r.event.anonymous_id) for r in log.read()]
    assert left == [(2, "bob", None), (4, "bob", None), (7, None, "ann"), (9, None, None)]
    assert log.head() == 9


def test_a_fault_undoes_all_of_it(log: SqliteEventLog) -> None:
    def broken(writer: sqlite3.Connection) -> None:
        erase(writer, People(("ann",)), 0, 100)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        log.erase(broken)
    assert len(log.read()) == 9


def test_rewriting_leaves_no_byte(log: SqliteEventLog) -> None:
    log.append([Event(event="click", event_id="s", user_id="a-special-name", item_id="1")])
    log.erase(lambda writer: erase(writer, People(("a-special-name",)), 0, 100))
    log.append([Event(event="click", event_id="t", user_id="bob", item_id="1")])
    while not log.rewrite():
        pass
    for path in log.path.parent.iterdir():
        assert b"a-special-name" not in path.read_bytes()
    assert len(log.read()) == 10
