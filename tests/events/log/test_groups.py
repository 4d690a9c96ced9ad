"""Consumer groups: processes that find the file together, and a file that stays locked."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from palate.errors import LogError
from palate.events.log import groups
from palate.events.log.groups import ConsumerGroups
from palate.testing.process import OtherProcess


def refusing(code: int, times: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """SQLite says `code` so many times to who opens the file; how often it was asked."""
    asked: list[int] = []
    connect = ConsumerGroups._connect

    def busy(self: ConsumerGroups) -> sqlite3.Connection:
        asked.append(len(asked))
        if len(asked) > times:
            return connect(self)
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(ConsumerGroups, "_connect", busy)
    monkeypatch.setattr(groups, "_AGAIN_S", 0.0)
    return asked


def test_a_file_that_another_is_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refusing(sqlite3.SQLITE_BUSY | 1 << 8, 3, monkeypatch)
    with closing(ConsumerGroups(tmp_path / "groups")) as some:
        some.commit("sink", 7)
        assert some.committed("sink") == 7
    assert len(asked) == 4


def test_a_file_that_stays_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refusing(sqlite3.SQLITE_BUSY, 10**6, monkeypatch)
    monkeypatch.setattr(groups, "_BUSY_S", 0.0)
    with pytest.raises(LogError, match="consumer groups in"):
        ConsumerGroups(tmp_path / "groups").commit("sink", 7)
    assert asked


def test_another_fault_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refusing(sqlite3.SQLITE_FULL, 10**6, monkeypatch)
    with pytest.raises(LogError, match="disk's space"):
        ConsumerGroups(tmp_path / "groups").commit("sink", 7)
    assert asked == [0]


def test_processes_that_find_no_file_together_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "groups"
    source = f"""
from pathlib import Path
from palate.events.log.groups import ConsumerGroups
groups = ConsumerGroups(Path({str(path)!r}))
name = input()
groups.commit(name, 3)
print(groups.committed(name), flush=True)
input()
"""
    with ExitStack() as opened:
        others = [opened.enter_context(OtherProcess(source)) for _ in range(4)]
        for number, other in enumerate(others):
            other.say(f"group-{number}")
        assert [other.line() for other in others] == ["3"] * 4
    with closing(ConsumerGroups(path)) as found:
        assert [group.name for group in found.all()] == [f"group-{n}" for n in range(4)]
