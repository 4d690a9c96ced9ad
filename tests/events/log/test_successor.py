"""A log is written anew while it is used: nothing is lost, doubled, kept back or left behind."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.errors import LogError
from palate.events.log import files, successor, tables
from palate.events.log.people import People, erase
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_UPSERTED, Event
from palate.testing.process import OtherProcess
from palate.types import Verdict

SECRET = "somebody-who-was-here"


def click(n: int, who: str = "ann") -> Event:
    return Event(event="click", event_id=f"e{n}", user_id=who, item_id="i")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        yield log


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few events are many of them."""
    monkeypatch.setattr(successor, "_SLICE", 3)
    monkeypatch.setattr(successor, "_NEAR", 2)
    monkeypatch.setattr(files, "_PAUSE_S", 0.0)


def rewrite(log: SqliteEventLog) -> None:
    while not log.rewrite():
        pass


def ids(log: SqliteEventLog) -> list[tuple[int, str]]:
    return [(r.offset, r.event.event_id) for r in log.read(limit=10_000)]


def names(log: SqliteEventLog) -> set[str]:
    return {path.name for path in log.path.parent.iterdir()}


@pytest.mark.usefixtures("slices")
def test_no_byte_is_left_and_all_else_is_there(log: SqliteEventLog) -> None:
    log.append([click(n, SECRET) for n in range(50)])
    log.append([click(n) for n in range(50, 90)])
    log.erase(lambda writer: erase(writer, People((SECRET,)), 0, 100))
    rewrite(log)
    left = [path.name for path in log.path.parent.iterdir() if SECRET.encode() in path.read_bytes()]
    assert left == []
    assert ids(log) == [(n + 1, f"e{n}") for n in range(50, 90)]
    assert log.append([click(7)])[0].verdict is Verdict.DUPLICATE
    assert log.append([click(90)])[0].offset == 91


@pytest.mark.usefixtures("slices")
def test_appends_come_in_between(log: SqliteEventLog) -> None:
    log.append([click(n) for n in range(20)])
    steps, n = 0, 20
    while not log.rewrite():
        steps += 1
        log.append([click(n)])
        n += 1
    assert steps >= 6
    assert ids(log) == [(n + 1, f"e{n}") for n in range(n)]


@pytest.mark.usefixtures("slices")
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 30).map(lambda n: ("append", n)) | st.just(("rewrite", 0))))
def test_whatever_comes_in_between_the_log_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, work: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    with (
        SqliteEventLog(folder / "renewed.sqlite") as renewed,
        SqliteEventLog(folder / "plain.sqlite") as plain,
        SqliteEventLog(folder / "renewed.sqlite", read_only=True) as reader,
    ):
        for what, n in work:
            if what == "append":
                assert renewed.append([click(n)]) == plain.append([click(n)])
            else:
                renewed.rewrite()
        rewrite(renewed)
        assert ids(renewed) == ids(reader) == ids(plain)


def test_readers_follow_into_the_new_file(log: SqliteEventLog) -> None:
    source = f"""
from pathlib import Path
from palate.events.log.sqlite import SqliteEventLog
log = SqliteEventLog(Path({str(log.path)!r}), read_only=True)
while True:
    input()
    print([r.event.event_id for r in log.read()], flush=True)
"""
    with OtherProcess(source) as reader:
        for n in range(3):
            log.append([click(n)])
            reader.say("")
            assert reader.line() == str([f"e{m}" for m in range(n + 1)])
            rewrite(log)


def test_a_reader_at_work_is_waited_for(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAUSE_S", 0.0)
    log.append([click(1)])
    with closing(tables.connect(log.path, read_only=True)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
        log.append([click(2)])
        assert not log.rewrite()
        assert log.append([click(3)])[0].verdict is Verdict.ACCEPTED, "nobody waits for it"
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
        reader.execute("COMMIT")
        rewrite(log)
    assert [name for _, name in ids(log)] == ["e1", "e2", "e3"]


def test_a_reader_that_never_ends_is_told(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAUSE_S", 0.0)
    monkeypatch.setattr(files, "_TRIES", 3)
    log.append([click(1)])
    with closing(tables.connect(log.path, read_only=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        log.append([click(2)])
        with pytest.raises(LogError, match="a reader does not end"):
            rewrite(log)
    assert "log.sqlite.fresh" not in names(log)
    rewrite(log)
    assert len(log.read()) == 2


@pytest.mark.usefixtures("slices")
def test_nothing_is_dropped_meanwhile(log: SqliteEventLog) -> None:
    """What was copied already would come back."""
    log.append([Event(event=ITEM_UPSERTED, event_id=f"v{n}", item_id="i") for n in range(5)])
    log.append([click(n) for n in range(20)])
    assert not log.rewrite()
    assert log.trim(20) == 0
    assert log.compact(20).records == 0
    rewrite(log)
    assert len(log.read()) == 25
    assert (log.trim(20), log.compact(20).records) == (14, 4)
    rewrite(log)
    assert len(log.read()) == 7
    assert log.start() == 20


@pytest.mark.usefixtures("slices")
def test_an_erasure_meanwhile_begins_it_again(log: SqliteEventLog) -> None:
    log.append([click(n, SECRET) for n in range(20)])
    assert not log.rewrite()
    log.append([click(20)])
    log.erase(lambda writer: erase(writer, People((SECRET,)), 0, 20))
    rewrite(log)
    assert ids(log) == [(21, "e20")]


@pytest.mark.parametrize("at", ["Path.unlink", "Path.rename", "os.fsync"])
def test_killed_at_any_moment_of_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """What stands under the name is whole, old or new, and nothing else is left."""

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    path = tmp_path / "log.sqlite"
    log = SqliteEventLog(path)
    log.append([click(n) for n in range(5)])
    with monkeypatch.context() as patched:
        take_over = successor.Successor.take_over

        def mortal(self: successor.Successor) -> None:
            patched.setattr(f"palate.events.log.successor.{at}", die)
            take_over(self)

        patched.setattr(successor.Successor, "take_over", mortal)
        with pytest.raises(Killed):
            rewrite(log)
    # As the kernel does: what was open is closed, and nobody cleans up.
    monkeypatch.setattr(successor.Successor, "close", lambda self: None)
    log.close()
    with SqliteEventLog(path) as again:
        assert ids(again) == [(n + 1, f"e{n}") for n in range(5)]
        assert again.append([click(0)])[0].verdict is Verdict.DUPLICATE
        assert again.append([click(9)])[0].offset == 6
        assert "log.sqlite.fresh" not in names(again)


def test_a_full_disk_leaves_the_old_file(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([click(1)])

    def full(self: successor.Successor, head: int) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(successor.Successor, "fill", full)
        with pytest.raises(LogError, match="anew: database or disk is full"):
            log.rewrite()
    assert "log.sqlite.fresh" not in names(log)
    assert log.append([click(2)])[0].verdict is Verdict.ACCEPTED
    rewrite(log)
    assert len(log.read()) == 2


def test_without_room_for_a_second_file_it_does_not_begin(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([click(1)])
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50 << 20))
        with pytest.raises(LogError, match="52 MB are free beside it"):
            log.rewrite()
    assert "log.sqlite.fresh" not in names(log)
    assert log.trim(1) == 0, "nothing is held back"
    rewrite(log)


def test_an_empty_log_and_one_that_was_trimmed_to_nothing(log: SqliteEventLog) -> None:
    rewrite(log)
    assert log.head() == 0
    log.append([click(n) for n in range(3)])
    log.trim(4)
    rewrite(log)
    assert (log.head(), log.start(), log.read()) == (3, 4, [])
    assert log.append([click(3)])[0].offset == 4


def test_a_reader_may_not(log: SqliteEventLog) -> None:
    with (
        SqliteEventLog(log.path, read_only=True) as reader,
        pytest.raises(LogError, match="not open for writing"),
    ):
        reader.rewrite()


def test_the_files_mode_stays(log: SqliteEventLog) -> None:
    log.path.chmod(0o600)
    rewrite(log)
    assert log.path.stat().st_mode & 0o777 == 0o600
