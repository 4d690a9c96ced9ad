"""The registry database: one SQLite file with the tables of releases, runs and keys."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from palate.errors import StoreError

__all__ = ["APPLICATION_ID", "REGISTRY", "Database", "Parameters"]

REGISTRY: Final = "registry.sqlite"  # its place below home
APPLICATION_ID: Final = 0x50414C54  # "PALT" in the file's header: this is a Palate registry
BUSY_TIMEOUT_S: Final = 10.0

Value: TypeAlias = str | int | float | bytes | None
Parameters: TypeAlias = Sequence[Value] | Mapping[str, Value]


class Database:
    """A SQLite file in WAL mode, one connection a thread, safe between processes.

    Readers see what was committed before their statement began, so a change made by one
    process is seen by the next query of any other. A committed transaction survives
    `kill -9` (synchronous NORMAL).

    Args:
        path: The file; made with its folder where it is absent.

    Raises:
        StoreError: The file is not a Palate registry, is damaged, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        with ExitStack() as undo:
            undo.callback(self.close)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # SQLite turns a file to WAL only while nobody else has it open, and never waits.
                with _alone(path.parent), self._faults():
                    self._claim(self._connection())
            except OSError as error:
                raise StoreError(f"cannot open the registry {path}: {error}") from error
            undo.pop_all()

    def __repr__(self) -> str:
        return f"Database({str(self.path)!r})"

    def migrate(self, component: str, statements: Sequence[str]) -> None:
        """Bring the tables of `component` up to date: statement n makes version n.

        Statements that ran before are not run again; those that are new run in one
        transaction. Append to the list, never change what stands in it.

        Raises:
            StoreError: The file was written by a newer Palate, or a statement fails.
        """
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS components (name TEXT PRIMARY KEY, version INTEGER)"
            )
            row = connection.execute(
                "SELECT version FROM components WHERE name = ?", (component,)
            ).fetchone()
            version = 0 if row is None else int(row[0])
            if version > len(statements):
                raise StoreError(
                    f"{self.path} holds {component} of version {version}; "
                    f"this Palate reads up to {len(statements)}",
                    hint="upgrade Palate, or choose another home",
                )
            for statement in statements[version:]:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO components VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                (component, len(statements)),
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write: all statements of the block or, if it raises, none; one writer at a time.

        `sqlite3.IntegrityError` passes through, for callers that name the clash themselves.

        Raises:
            StoreError: The database stays locked, is damaged, read-only or full, or a
                transaction of this thread is already open.
        """
        with self._faults():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def query(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of one statement, from one moment; columns by name or place.

        Within `transaction` in the same thread it is part of that transaction.

        Raises:
            StoreError: The database is damaged, or stays locked.
        """
        with self._faults():
            return self._connection().execute(sql, parameters).fetchall()

    def check(self) -> None:
        """Read every page and index.

        Raises:
            StoreError: Says what is damaged.
        """
        problems = [str(row[0]) for row in self.query("PRAGMA quick_check")]
        if problems != ["ok"]:
            raise self._damaged("; ".join(problems[:3]))

    def close(self) -> None:
        """Close the connections of all threads; using it again opens new ones."""
        with self._lock:
            for _, connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    # ------------------------------------------------------------------ private

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._open()
            self._local.connection = found
        return found

    def _open(self) -> sqlite3.Connection:
        # check_same_thread: `close` ends connections of other threads; each is used by one.
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        with self._lock:
            for thread, left in self._connections:
                if not thread.is_alive():
                    left.close()
            self._connections = [pair for pair in self._connections if pair[0].is_alive()]
            self._connections.append((threading.current_thread(), connection))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _claim(self, connection: sqlite3.Connection) -> None:
        """Mark a new file as ours; refuse one that is somebody else's."""
        if self._owner(connection) != APPLICATION_ID:
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                raise StoreError(
                    f"{self.path} is a SQLite file, but not a Palate registry",
                    hint="choose another home",
                )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")

    @staticmethod
    def _owner(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA application_id").fetchone()[0])

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """SQLite's faults as errors that say which file and what to do."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a clash is the caller's to name; a wrong statement is a fault of ours
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the registry {self.path} refused: {error}", hint=_advice(str(error))
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"the registry {self.path} is damaged: {what}",
            hint="put a backup in its place, or move the file away and release again",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the descriptor, even on `kill -9`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _advice(message: str) -> str | None:
    known = {
        "locked": "another process is writing; try again, or see which one holds the file",
        "readonly": "make the file and its folder writable",
        "full": "free some disk space",
        "unable to open": "check that the path exists and may be read and written",
    }
    return next((advice for part, advice in known.items() if part in message), None)
