from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.errors import LogError
from palate.events.dead_letters import DeadLetter, DeadLetters, Totals
from palate.testing.process import OtherProcess


def letter(text: str = "{}", at: int = 1_700_000_000_000_000) -> DeadLetter:
    return DeadLetter(text.encode(), "no reason", at, "events")


def opened(place: Path, most: int = 100, most_bytes: int = 10_000) -> DeadLetters:
    return DeadLetters(place / "dead.sqlite", most=most, most_bytes=most_bytes)


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[DeadLetters]:
    with opened(tmp_path) as kept:
        yield kept


def numbers(letters: DeadLetters) -> list[int]:
    return [one.number for one in letters.read()]


def test_what_was_refused_comes_back_byte_by_byte(letters: DeadLetters) -> None:
    raw = b'\xff\x00 [[["'
    letters.add([DeadLetter(raw, "not UTF-8", 7, "events"), letter()])
    one, two = letters.read()
    assert (one.raw, one.reason, one.received_at, one.source) == (raw, "not UTF-8", 7, "events")
    assert (one.number, two.number) == (1, 2)
    assert letters.totals() == Totals(2, len(raw) + 2, 0)


def test_nothing_refused(letters: DeadLetters) -> None:
    letters.add([])
    letters.remove([])
    assert letters.read() == letters.find([]) == letters.find([3]) == []
    assert letters.totals() == Totals(0, 0, 0)


def test_pages_and_numbers(letters: DeadLetters) -> None:
    letters.add([letter(str(n)) for n in range(5)])
    assert [one.number for one in letters.read(2, limit=2)] == [3, 4]
    assert [one.number for one in letters.find([5, 1, 9, 1])] == [1, 5]


def test_numbers_are_never_used_twice(letters: DeadLetters) -> None:
    letters.add([letter(), letter()])
    letters.remove([2, 7])
    letters.add([letter()])
    assert numbers(letters) == [1, 3]
    assert letters.totals() == Totals(2, 4, 0)


def test_the_oldest_make_room_by_count(tmp_path: Path) -> None:
    with opened(tmp_path, most=3) as letters:
        letters.add([letter() for _ in range(5)])
        assert numbers(letters) == [3, 4, 5]
        assert letters.totals() == Totals(3, 6, 2)


def test_the_oldest_make_room_by_bytes(tmp_path: Path) -> None:
    with opened(tmp_path, most_bytes=10) as letters:
        letters.add([letter("12345"), letter("1234567"), letter("123")])
        assert numbers(letters) == [2, 3]
        letters.add([letter("x" * 11)])  # larger than all the room there is
        assert letters.totals() == Totals(0, 0, 4)


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    with opened(tmp_path, most=0) as letters:
        letters.add([letter()])
        assert letters.totals() == Totals(0, 0, 1)


def test_the_id_of_a_replay_is_always_the_same(letters: DeadLetters) -> None:
    letters.add([letter(), letter()])
    one, two = letters.read()
    assert one.event_id == letters.read()[0].event_id
    assert one.event_id != two.event_id  # the same event refused twice is two events
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", one.event_id
    )
    assert one.event_id.startswith("018bcfe5-6800")  # its time, so that ids grow


def test_a_kept_letter_survives_a_kill(tmp_path: Path) -> None:
    source = f"""
from pathlib import Path
from palate.events.dead_letters import DeadLetter, DeadLetters
letters = DeadLetters(Path({str(tmp_path / "dead.sqlite")!r}), most=9, most_bytes=999)
letters.add([DeadLetter(b"raw", "reason", 1, "events")])
print("kept", flush=True)
input()
"""
    with OtherProcess(source) as owner:
        assert owner.line() == "kept"
        with DeadLetters(tmp_path / "dead.sqlite", most=9, most_bytes=999, read_only=True) as seen:
            assert seen.read()[0].raw == b"raw"
            with pytest.raises(LogError, match="readonly"):
                seen.remove([1])
    with opened(tmp_path) as letters:
        assert numbers(letters) == [1]


def test_files_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "dead.sqlite"
    with pytest.raises(LogError, match="no dead letters at"):
        DeadLetters(path, most=1, most_bytes=1, read_only=True)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LogError, match="cannot open"):
        opened(tmp_path)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(LogError, match="holds no dead letters"):
        opened(tmp_path)
    path.unlink()
    opened(tmp_path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(LogError, match="format 9"):
        opened(tmp_path)
