"""Retention and compaction of the SQLite log; time is what the test says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from palate.errors import LogError
from palate.events.log import sqlite, tables
from palate.events.log.sqlite import SqliteEventLog
from palate.events.log.upkeep import Dropped
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, USER_UPSERTED, Event
from palate.testing.event_log import click

DAY_US = 86_400_000_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    with SqliteEventLog(tmp_path / "log.sqlite") as opened:
        yield opened


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_clock(at_us: int) -> None:
        monkeypatch.setattr(sqlite, "now_us", lambda: at_us)

    return set_clock


def numbered(log: SqliteEventLog, *events: Event) -> list[int]:
    start = log.head()
    made = [
        msgspec.structs.replace(event, event_id=f"n{start + at}", timestamp=1)
        for at, event in enumerate(events)
    ]
    return [done.offset for done in log.append(made)]


def upsert(item: str, **more: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, **more)


def delete(item: str) -> Event:
    return Event(event=ITEM_DELETED, item_id=item)


def about(user: str, **more: Any) -> Event:
    return Event(event=USER_UPSERTED, user_id=user, **more)


def offsets(log: SqliteEventLog) -> list[int]:
    return [record.offset for record in log.read()]


def test_only_the_newest_version_of_an_item_or_user_stays(log: SqliteEventLog) -> None:
    numbered(
        log, upsert("i"), upsert("j"), about("i"), upsert("i"), click(1), about("i"), delete("j")
    )
    assert log.compact(log.head()) == Dropped(3, more=False)
    assert offsets(log) == [4, 5, 6, 7]
    assert log.compact(log.head()) == Dropped(0, more=False)


def test_a_user_of_an_items_text_is_another_key(log: SqliteEventLog) -> None:
    numbered(log, upsert("x"), about("x"), upsert("x", user_id="y"), about("y", item_id="x"))
    log.compact(log.head())
    assert offsets(log) == [2, 3, 4]
    numbered(log, about("z", item_id="x"), about("y"))
    log.compact(log.head())
    assert offsets(log) == [2, 3, 4, 5, 6]  # "y" with an item is another spelling of its key


def test_a_version_goes_once_its_successor_is_old_enough(log: SqliteEventLog) -> None:
    numbered(log, upsert("i"), upsert("i"), upsert("i"))
    assert log.compact(1).records == 0
    assert log.compact(2).records == 1
    assert offsets(log) == [2, 3]
    assert log.compact(3).records == 1
    assert offsets(log) == [3]


def test_steps_go_on_where_the_last_one_ended(log: SqliteEventLog) -> None:
    numbered(log, *[upsert(f"i{n % 3}") for n in range(9)])
    seen = []
    while True:
        done = log.compact(log.head(), steps=2)
        seen.append(done)
        if not done.more:
            break
    assert [done.records for done in seen] == [0, 1, 2, 2, 1]
    assert offsets(log) == [7, 8, 9]


def test_a_trim_in_steps(log: SqliteEventLog) -> None:
    log.append([click(n) for n in range(10)])
    assert [log.trim(8, steps=3) for _ in range(4)] == [3, 3, 1, 0]
    assert offsets(log) == [8, 9, 10]
    assert log.start() == 8


def test_tombstones_go_where_compaction_has_been(log: SqliteEventLog) -> None:
    numbered(log, upsert("i"), delete("i"), delete("j"), click(1))
    assert log.bury(log.head()).records == 0  # i's upsert would come back to life
    log.compact(2)
    assert log.bury(log.head()).records == 1
    assert offsets(log) == [3, 4]
    log.compact(log.head())
    assert log.bury(log.head()).records == 1
    assert offsets(log) == [4]


def test_the_newest_record_is_never_buried(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path) as log:
        numbered(log, upsert("i"), delete("i"))
        log.compact(log.head())
        assert log.bury(log.head()).records == 0
    with SqliteEventLog(path) as log:
        assert log.head() == 2
        assert log.append([click(1)])[0].offset == 3


def test_a_group_that_never_commits_holds_everything_back(log: SqliteEventLog) -> None:
    numbered(log, upsert("i"), upsert("i"), click(1), click(2))
    log.lease("idle", "a", ttl_s=0)
    assert log.passed() == 0
    assert log.trim(log.head()) == 0
    assert log.compact(log.head()).records == 0
    assert offsets(log) == [1, 2, 3, 4]
    assert [(g.name, g.committed) for g in log.groups()] == [("idle", 0)]  # and shows its lag
    assert log.forget_group("idle")
    assert not log.forget_group("idle")
    assert log.trim(log.head()) == 1
    assert offsets(log) == [1, 2, 4]


def test_a_group_begins_again_where_it_is_told(log: SqliteEventLog) -> None:
    log.append([click(n) for n in range(6)])
    log.commit("sink", 5)
    log.rewind("sink", 2)
    assert log.committed("sink") == 2
    log.rewind("new", 4)
    assert log.committed("new") == 4
    log.lease("sink", "a", ttl_s=3600)
    for refused in (lambda: log.rewind("sink", 0), lambda: log.forget_group("sink")):
        with pytest.raises(LogError, match="active consumer"):
            refused()
    log.release("sink", "a")
    log.trim(3)
    with pytest.raises(LogError, match="before offset 3 was dropped"):
        log.rewind("sink", 1)
    log.rewind("sink", 2)


def test_offsets_by_time(log: SqliteEventLog, clock: Callable[[int], None]) -> None:
    for day, n in ((10, 2), (12, 3), (15, 1)):
        clock(day * DAY_US)
        log.append([click(day * 10 + i) for i in range(n)])
    wanted = {9: 0, 10: 0, 11: 2, 12: 2, 13: 5, 15: 5, 16: 6}
    assert {day: log.offset_before(day * DAY_US) for day in wanted} == wanted
    log.trim(3)
    assert log.offset_before(11 * DAY_US) == 2
    assert log.offset_before(13 * DAY_US) == 5


def test_offsets_by_time_of_an_empty_log(log: SqliteEventLog) -> None:
    assert log.offset_before(1 << 60) == 0


def test_a_reader_may_not_drop_anything(tmp_path: Path, log: SqliteEventLog) -> None:
    log.append([click(1), click(2)])
    with SqliteEventLog(tmp_path / "log.sqlite", read_only=True) as reader:
        for refused in (lambda: reader.compact(2), lambda: reader.bury(2), lambda: reader.trim(2)):
            with pytest.raises(LogError, match="not open for writing"):
                refused()


def test_compaction_finds_versions_by_their_index(tmp_path: Path, log: SqliteEventLog) -> None:
    from palate.events.log import upkeep

    connection = sqlite3.connect(tmp_path / "log.sqlite")
    for sql in (upkeep._ITEM_VERSIONS, upkeep._USER_VERSIONS):
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", ("i", 9)).fetchall()
        assert "versions" in plan[0][3]
        assert "rowid<" in plan[0][3]
    connection.close()


V1 = (
    """CREATE TABLE events ("offset" INTEGER PRIMARY KEY, event TEXT NOT NULL, user_id TEXT,
    anonymous_id TEXT, item_id TEXT, timestamp INTEGER NOT NULL, received_at INTEGER NOT NULL,
    value REAL, event_id TEXT NOT NULL, rest BLOB)""",
    "CREATE INDEX entities ON events (\"offset\") WHERE event GLOB '*.*'",
    """CREATE TABLE recent_ids ("offset" INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
    received_at INTEGER NOT NULL)""",
    "CREATE TABLE trimmed (below INTEGER NOT NULL)",
    "INSERT INTO trimmed VALUES (1)",
    "INSERT INTO events VALUES (1, 'item.upserted', NULL, NULL, 'i', 1, 1, NULL, 'a', NULL)",
    "INSERT INTO events VALUES (2, 'item.upserted', NULL, NULL, 'i', 1, 1, NULL, 'b', NULL)",
    "PRAGMA application_id = 1346456645",
    "PRAGMA user_version = 1",
)


def test_a_log_of_format_1_is_migrated_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    connection = sqlite3.connect(path)
    for statement in V1:
        connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(LogError, match="format 1"):
        SqliteEventLog(path, read_only=True)
    with SqliteEventLog(path) as log:
        assert offsets(log) == [1, 2]
        assert log.compact(2).records == 1
        assert log.append([click(1)])[0].offset == 3
    with SqliteEventLog(path, read_only=True) as reader:
        assert offsets(reader) == [2, 3]


def test_a_migration_that_fails_leaves_the_old_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.sqlite"
    connection = sqlite3.connect(path)
    for statement in V1:
        connection.execute(statement)
    connection.commit()
    connection.close()
    monkeypatch.setattr(tables, "_UPKEEP", (*tables._UPKEEP, "SELECT * FROM absent"))
    with pytest.raises(LogError, match="no such table"):
        SqliteEventLog(path)
    monkeypatch.undo()
    with SqliteEventLog(path) as log:
        assert offsets(log) == [1, 2]
