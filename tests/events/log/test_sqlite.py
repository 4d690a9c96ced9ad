from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.errors import EventError, LogError
from palate.events.log import sqlite, tables
from palate.events.log.base import Appended, EventLog, batches
from palate.events.log.recent_ids import prune_ids
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event
from palate.testing.event_log import EventLogConformance, click
from palate.types import Verdict

DAY_US = 86_400_000_000


class TestSqliteEventLog(EventLogConformance):
    def open(self, place: Path, *, dedup_window_s: int = 3600, read_only: bool = False) -> EventLog:
        return SqliteEventLog(
            place / "log.sqlite", dedup_window_s=dedup_window_s, read_only=read_only
        )

    def open_source(self, place: Path, *, read_only: bool = False) -> str:
        return f"""
from pathlib import Path
from palate.events.log.sqlite import SqliteEventLog
log = SqliteEventLog(Path({str(place / "log.sqlite")!r}), read_only={read_only})
"""


class TestPowerEventLog(TestSqliteEventLog):
    def open(self, place: Path, *, dedup_window_s: int = 3600, read_only: bool = False) -> EventLog:
        return SqliteEventLog(
            place / "log.sqlite",
            durability="power",
            dedup_window_s=dedup_window_s,
            read_only=read_only,
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_clock(at_us: int) -> None:
        monkeypatch.setattr(sqlite, "now_us", lambda: at_us)

    return set_clock


def recent_ids(path: Path) -> int:
    connection = sqlite3.connect(path)
    count: int = connection.execute("SELECT count(*) FROM recent_ids").fetchone()[0]
    connection.close()
    return count


def test_an_old_duplicate_is_accepted_again(tmp_path: Path, clock: Callable[[int], None]) -> None:
    with SqliteEventLog(tmp_path / "log.sqlite", dedup_window_s=86400) as log:
        clock(10 * DAY_US)
        log.append([click(1)])
        clock(11 * DAY_US)  # at the very end of the window
        assert log.append([click(1)])[0].verdict is Verdict.DUPLICATE
        clock(11 * DAY_US + 1)
        assert [a.verdict for a in log.append([click(1), click(1)])] == [
            Verdict.ACCEPTED,
            Verdict.DUPLICATE,
        ]
        assert [r.event.event_id for r in log.read()] == ["event-1", "event-1"]


def test_ids_out_of_the_window_are_forgotten_in_steps(
    tmp_path: Path, clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PRUNE", 10)
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path, dedup_window_s=86400) as log:
        clock(10 * DAY_US)
        log.append([click(i) for i in range(35)])
        assert recent_ids(path) == 35
        clock(20 * DAY_US)
        left = []
        for i in range(100, 105):
            log.append([click(i)])
            left.append(recent_ids(path))
        assert left[-1] == 5
        assert all(0 < a - b <= 11 for a, b in zip([35, *left], left, strict=False) if a > 11)


def test_nothing_is_forgotten_before_the_oldest_id_is_out_of_the_window(
    tmp_path: Path, clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def counted(writer: sqlite3.Connection, cutoff: int, steps: int) -> int | None:
        looked.append(cutoff)
        return prune_ids(writer, cutoff, steps)

    monkeypatch.setattr(sqlite, "prune_ids", counted)
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path, dedup_window_s=86400) as log:
        for day, left in ((10.0, 1), (10.5, 2), (10.9, 3), (11.1, 3), (11.2, 4), (11.6, 4)):
            clock(round(day * DAY_US))
            log.append([click(round(10 * day))])
            assert recent_ids(path) == left, day
    assert [round(10 * at / DAY_US) for at in looked] == [90, 101, 106]


def test_received_at_never_falls_with_the_clock(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path) as log:
        clock(10 * DAY_US)
        log.append([click(1)])
        clock(9 * DAY_US)
        log.append([click(2)])
    with SqliteEventLog(path) as log:
        log.append([click(3)])
        assert [r.event.received_at for r in log.read()] == [10 * DAY_US] * 3


def test_a_full_disk_tears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = tables.connect

    def small_disk(path: Path, **options: Any) -> sqlite3.Connection:
        connection = connect(path, **options)
        if not options["read_only"]:
            connection.execute("PRAGMA max_page_count = 40")
        return connection

    monkeypatch.setattr(tables, "connect", small_disk)
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path) as log:
        for start in range(0, 500, 100):  # well under 40 pages of 4 KB
            log.append([click(i) for i in range(start, start + 100)])
        accepted = log.head()
        with pytest.raises(LogError, match=r"full.*nothing was written"):
            log.append([click(i) for i in range(500, 3000)])
        assert log.head() == accepted
    monkeypatch.setattr(tables, "connect", connect)  # space was made
    with SqliteEventLog(path) as log:
        assert log.append([click(accepted)])[0].verdict is Verdict.ACCEPTED
        ids = [r.event.event_id for part in batches(log) for r in part]
        assert ids == [f"event-{i}" for i in range(accepted + 1)]


def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    SqliteEventLog(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(LogError, match="format 99"):
            SqliteEventLog(path, read_only=read_only)


def test_another_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(LogError, match="not an event log"):
        SqliteEventLog(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"user_id,item_id\n" * 1000)
    with pytest.raises(LogError, match=r"log\.sqlite"):
        SqliteEventLog(path)
    path.with_name("log.sqlite.lock").unlink()
    path.unlink()
    SqliteEventLog(path).close()  # the refused opening left no lock behind


def test_reading_a_missing_log_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="import data") as caught:
        SqliteEventLog(tmp_path / "log.sqlite", read_only=True)
    assert caught.value.hint is not None
    assert not list(tmp_path.iterdir())


def test_a_second_opener_in_the_same_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with (
        SqliteEventLog(path),
        pytest.raises(LogError, match=f"held by process {os.getpid()}"),
    ):
        SqliteEventLog(path)
    SqliteEventLog(path).close()


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("")
    with pytest.raises(LogError, match="events"):
        SqliteEventLog(tmp_path / "events" / "log.sqlite")


def test_a_group_ahead_of_a_log_that_lost_its_tail_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path) as log:
        log.append([click(1), click(2), click(3)])
        log.commit("sink", 3)
    connection = sqlite3.connect(path)  # as a power cut leaves it under durability "process"
    for table in ("events", "recent_ids"):
        connection.execute(f'DELETE FROM {table} WHERE "offset" > 1')
    connection.commit()
    connection.close()
    with SqliteEventLog(path) as log:
        assert log.committed("sink") == 1
        assert log.append([click(4)])[0].offset == 2
        assert [r.event.event_id for r in log.read(log.committed("sink"))] == ["event-4"]


def test_two_spellings_of_a_uuid_are_two_ids(tmp_path: Path) -> None:
    lower = "0192f0c1-0000-7000-8000-00000000abcd"
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        events = [
            Event(event="click", event_id=text, user_id="u", timestamp=1)
            for text in (lower, lower.upper(), lower.replace("-", ""))
        ]
        assert {a.verdict for a in log.append(events)} == {Verdict.ACCEPTED}


def test_the_refusal_names_the_event(tmp_path: Path) -> None:
    event = Event(event="click", event_id="order-17", user_id="a\x00b", timestamp=1)
    with (
        SqliteEventLog(tmp_path / "log.sqlite") as log,
        pytest.raises(EventError, match=r"order-17.*control character"),
    ):
        log.append([event])


def test_an_entity_read_uses_its_index(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    SqliteEventLog(path).close()
    connection = sqlite3.connect(path)
    plan = connection.execute(
        f'EXPLAIN QUERY PLAN {tables.SELECT} INDEXED BY entities WHERE "offset" > 0 AND '
        f"{tables.ENTITY} AND event IN ('item.upserted') ORDER BY \"offset\" LIMIT 9"
    ).fetchall()
    connection.close()
    assert "entities" in plan[0][3]
    assert len(plan) == 1  # no sorting


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=8), st.data())
def test_each_event_id_is_in_the_log_once(
    tmp_path_factory: pytest.TempPathFactory, posted: list[list[int]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    log = SqliteEventLog(path)
    offsets: dict[int, int] = {}
    order: list[int] = []
    for batch in posted:
        if data.draw(st.booleans()):
            log.close()
            log = SqliteEventLog(path)
        for number, appended in zip(batch, log.append([click(i) for i in batch]), strict=True):
            if number in offsets:
                assert appended == Appended(Verdict.DUPLICATE, offsets[number])
            else:
                assert appended.verdict is Verdict.ACCEPTED
                offsets[number] = appended.offset
                order.append(number)
    records = log.read()
    log.close()
    assert [r.event.event_id for r in records] == [f"event-{i}" for i in order]
    assert [r.offset for r in records] == [offsets[i] for i in order]


def test_a_checkpoint_beside_appends_leaves_little_to_do(tmp_path: Path) -> None:
    """What was put into the file is whole without the write-ahead log; readers are left alone."""
    path = tmp_path / "log.sqlite"
    with SqliteEventLog(path) as log, SqliteEventLog(path, read_only=True) as reader:
        log.append([click(n) for n in range(500)])
        size = path.stat().st_size
        log.checkpoint()
        assert path.stat().st_size > size
        log.checkpoint()
        log.append([click(500)])
        assert len(reader.read()) == 501
        copy = tmp_path / "copy.sqlite"
        copy.write_bytes(path.read_bytes())
        with closing(sqlite3.connect(copy)) as whole:
            assert len(whole.execute("SELECT 1 FROM events").fetchall()) == 500
        with pytest.raises(LogError, match="not open for writing"):
            reader.checkpoint()
