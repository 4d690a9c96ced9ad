"""The registry database: versions, transactions, threads, processes, damage."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.database import Database

NOTES = ["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "deep" / "registry.sqlite")
    found.migrate("notes", NOTES)
    yield found
    found.close()


def notes(database: Database) -> list[str]:
    return [row["text"] for row in database.query("SELECT text FROM notes ORDER BY id")]


def write(database: Database, text: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def test_what_was_committed_is_read_back_by_another_opener(database: Database) -> None:
    write(database, "one")
    other = Database(database.path)
    assert notes(other) == ["one"]
    write(database, "two")
    assert notes(other) == ["one", "two"]
    other.close()


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.executemany("INSERT INTO notes VALUES (?, ?)", ((1 // n, "x") for n in (1, 0)))
    assert notes(database) == []
    write(database, "whole")  # the thread's connection is usable again
    assert notes(database) == ["whole"]


def test_a_clash_passes_through_for_the_caller_to_name(database: Database) -> None:
    write(database, "one")
    with pytest.raises(sqlite3.IntegrityError):
        write(database, "one")
    assert notes(database) == ["one"]


def test_a_transaction_inside_a_transaction_is_refused(database: Database) -> None:
    with (
        pytest.raises(StoreError, match="within a transaction"),
        database.transaction(),
        database.transaction(),
    ):
        pass


def test_migrations_run_once_and_go_on_where_they_stopped(database: Database) -> None:
    write(database, "kept")
    grown = [*NOTES, "ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 5"]
    database.migrate("notes", grown)
    database.migrate("notes", grown)
    assert [tuple(r) for r in database.query("SELECT text, stars FROM notes")] == [("kept", 5)]


def test_a_migration_that_fails_half_way_changes_nothing(database: Database) -> None:
    broken = [*NOTES, "CREATE TABLE more (id INTEGER)", "CREATE TABLE notes (id INTEGER)"]
    with pytest.raises(StoreError, match="already exists"):
        database.migrate("notes", broken)
    assert database.query("SELECT name FROM sqlite_schema WHERE name = 'more'") == []
    database.migrate("notes", NOTES)


def test_components_have_versions_of_their_own(database: Database) -> None:
    database.migrate("runs", ["CREATE TABLE runs (id INTEGER)", "CREATE TABLE extra (id INTEGER)"])
    rows = database.query("SELECT name, version FROM components ORDER BY name")
    assert [tuple(row) for row in rows] == [("notes", 1), ("runs", 2)]


def test_a_file_of_a_newer_version_is_refused(database: Database) -> None:
    database.migrate("notes", [*NOTES, "CREATE TABLE future (id INTEGER)"])
    with pytest.raises(StoreError, match="version 2; this Palate reads up to 1") as raised:
        database.migrate("notes", NOTES)
    assert raised.value.hint is not None
    assert "upgrade" in raised.value.hint


def test_each_thread_has_its_own_connection_and_none_is_lost(database: Database) -> None:
    def work(name: str) -> None:
        for n in range(20):
            write(database, f"{name}{n}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(notes(database)) == sorted(f"{name}{n}" for name in "abcd" for n in range(20))


def test_connections_of_ended_threads_are_closed(database: Database) -> None:
    for _ in range(5):
        thread = threading.Thread(target=notes, args=(database,))
        thread.start()
        thread.join()
    notes(database)
    assert len(database._connections) <= 2


def test_it_opens_again_after_close(database: Database) -> None:
    write(database, "one")
    database.close()
    assert notes(database) == ["one"]


def test_processes_that_found_one_file_together_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    script = (
        "import sys; from pathlib import Path; from palate.store.database import Database\n"
        "sys.stdin.readline()\n"
        "d = Database(Path(sys.argv[1]))\n"
        f"d.migrate('notes', {NOTES!r})\n"
        "with d.transaction() as c: c.execute('INSERT INTO notes (text) VALUES (?)', sys.argv[2:])"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, path, str(n)], stdin=subprocess.PIPE)
        for n in range(4)
    ]
    for process in processes:  # all wait for a line, so that they start together
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    database = Database(path)
    assert sorted(notes(database)) == ["0", "1", "2", "3"]
    database.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"not a database at all, but long enough to have a header" * 20)
    with pytest.raises(StoreError, match="is damaged: file is not a database"):
        Database(path)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (id INTEGER)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a Palate registry"):
        Database(path)
    assert path.read_bytes() == before


def test_check_finds_a_page_that_was_overwritten(database: Database) -> None:
    for n in range(500):
        write(database, f"{n}" * 20)
    database.check()
    database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    raw = bytearray(database.path.read_bytes())
    raw[8192:12288] = b"\xff" * 4096
    database.path.write_bytes(raw)
    with pytest.raises(StoreError, match="damaged"):
        database.check()


def test_a_path_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot open the registry"):
        Database(tmp_path / "file" / "registry.sqlite")
