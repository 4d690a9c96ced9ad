"""Consumer groups of an embedded log: how far each is, and who is its active consumer.

They live in a small database of their own, so that a consumer in any process can commit
while one other process owns the log.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from palate.errors import LogError

__all__ = ["ConsumerGroups", "Group"]

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS groups (
    name TEXT PRIMARY KEY,
    committed INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until REAL NOT NULL DEFAULT 0  -- seconds since 1970
) WITHOUT ROWID
"""
_BUSY_S: Final = 10.0
_AGAIN_S: Final = 0.01


class Group(msgspec.Struct, frozen=True):
    """One consumer group.

    Attributes:
        name: Its name.
        committed: The offset up to which it is done.
        owner: Its active consumer; None where nobody holds a lease.
        lease_until: When that lease ends, seconds since 1970.
    """

    name: str
    committed: int
    owner: str | None
    lease_until: float


class ConsumerGroups:
    """Committed offsets and leases by group name, safe between threads and processes.

    Args:
        path: The file; made at the first commit or lease.
        power: Whether commits survive a power cut. Without it a group may repeat records
            after one, which the law of the log allows.
    """

    def __init__(self, path: Path, *, power: bool = False) -> None:
        self._path = path
        self._power = power
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def committed(self, group: str) -> int:
        """The offset up to which `group` is done; 0 for an unknown group."""
        rows = self._read("SELECT committed FROM groups WHERE name = ?", (group,))
        return rows[0] if rows else 0

    def commit(self, group: str, offset: int) -> None:
        """Note that `group` is done up to `offset`; a lower offset changes nothing."""
        self._write(
            "INSERT INTO groups (name, committed) VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
            "SET committed = max(committed, excluded.committed)",
            (group, offset),
        )

    def lease(self, group: str, owner: str, *, ttl_s: float) -> bool:
        """Take or renew the lease for `ttl_s` seconds; False while another owner's runs."""
        now = time.time()
        changed = self._write(
            "INSERT INTO groups (name, owner, lease_until) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (name) DO UPDATE SET owner = ?2, lease_until = ?3 "
            "WHERE owner IS NULL OR owner = ?2 OR lease_until <= ?4",
            (group, owner, now + ttl_s, now),
        )
        return changed == 1

    def release(self, group: str, owner: str) -> None:
        """Give up the lease where `owner` holds it."""
        self._write(
            "UPDATE groups SET owner = NULL, lease_until = 0 WHERE name = ? AND owner = ?",
            (group, owner),
        )

    def clamp(self, head: int) -> None:
        """Take groups that are beyond `head` back to it.

        After a power cut the log may have lost a tail that a group had passed; what is then
        written under the same offsets must not be skipped.
        """
        if self._read("SELECT 1 FROM groups WHERE committed > ?", (head,)):
            self._write("UPDATE groups SET committed = ?1 WHERE committed > ?1", (head,))

    def slowest(self) -> int | None:
        """The lowest committed offset of all groups; None where there are none."""
        rows = self._read("SELECT committed FROM groups ORDER BY committed LIMIT 1", ())
        return rows[0] if rows else None

    def all(self) -> list[Group]:
        """Every group, by name."""
        rows = self._rows("SELECT name, committed, owner, lease_until FROM groups ORDER BY name")
        return [Group(*row) for row in rows]

    def rewind(self, group: str, offset: int) -> None:
        """`group` begins again after `offset`, forward or back; a new group is made there.

        Raises:
            LogError: It has an active consumer, whose next commit would undo this.
        """
        changed = self._write(
            "INSERT INTO groups (name, committed) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE "
            "SET committed = ?2 WHERE owner IS NULL OR lease_until <= ?3",
            (group, offset, time.time()),
        )
        if not changed:
            raise _active(group)

    def forget(self, group: str) -> bool:
        """Drop `group`, so that it holds nothing back; whether it was there.

        Raises:
            LogError: It has an active consumer.
        """
        dropped = self._write(
            "DELETE FROM groups WHERE name = ? AND (owner IS NULL OR lease_until <= ?)",
            (group, time.time()),
        )
        if not dropped and any(known.name == group for known in self.all()):
            raise _active(group)
        return dropped == 1

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _read(self, sql: str, values: tuple[str | int, ...]) -> list[int]:
        """The first column of what `sql` selects; nothing where there is no file yet."""
        return [row[0] for row in self._rows(sql, values)]

    def _rows(self, sql: str, values: tuple[str | int, ...] = ()) -> list[Any]:
        with self._guard():
            if self._connection is None and not self._path.exists():
                return []
            return self._opened().execute(sql, values).fetchall()

    def _write(self, sql: str, values: tuple[str | float, ...]) -> int:
        """How many rows `sql` changed."""
        with self._guard():
            return self._opened().execute(sql, values).rowcount

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One thread at a time; SQLite's errors become ours."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise LogError(
                    f"consumer groups in {self._path}: {error}",
                    hint="check the disk's space and the file's permissions",
                ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        """Open or make the file.

        Processes may find it together. SQLite does not wait where two of them turn to the
        write-ahead log at once, so it is asked again.
        """
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                return self._connect()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(_AGAIN_S)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._power else 'NORMAL'}")
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _active(group: str) -> LogError:
    return LogError(
        f"the group {group!r} has an active consumer",
        hint="stop it, or wait until its lease has run out",
    )
