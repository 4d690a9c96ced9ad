"""Dead letters: refused events, kept as they came with the reason, to be repaired and replayed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

import msgspec

from palate.errors import LogError

__all__ = ["DeadLetter", "DeadLetters", "Totals"]

FORMAT: Final = 1  # PRAGMA user_version; raise it with any change of the tables
_APPLICATION: Final = 0x50414C44  # "PALD": tells our file from any other SQLite file
_BUSY_S: Final = 10.0
_PAGE: Final = 500  # numbers in one statement; the oldest looked at to make room
_TABLES: Final = (
    """CREATE TABLE letters (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at INTEGER NOT NULL,  -- microseconds since 1970 UTC
        source TEXT NOT NULL,
        reason TEXT NOT NULL,
        raw BLOB NOT NULL
    )""",
    # One row: what there is now, and how many were ever dropped to make room.
    "CREATE TABLE totals (kept INTEGER NOT NULL, bytes INTEGER NOT NULL, lost INTEGER NOT NULL)",
    "INSERT INTO totals VALUES (0, 0, 0)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that was refused.

    Attributes:
        raw: As it came, whatever it is.
        reason: Why it was refused.
        received_at: When, microseconds since 1970 UTC.
        source: Where it came in: a route, a command.
        number: Its own among all; 0 before it is kept.
    """

    raw: bytes
    reason: str
    received_at: int
    source: str
    number: int = 0

    @property
    def event_id(self) -> str:
        """For an event that names none: the same however often this letter is replayed."""
        digest = blake2b(self.raw, digest_size=10, key=b"%d" % self.number).hexdigest()
        head = f"{self.received_at // 1000 & 0xFFFF_FFFF_FFFF:012x}"
        return f"{head[:8]}-{head[8:]}-8{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"


class Totals(msgspec.Struct, frozen=True):
    """How many letters there are, how many bytes they hold, how many were dropped for room."""

    kept: int
    bytes: int
    lost: int


class DeadLetters:
    """Refused events in a SQLite file beside the log. Threads may share one object.

    The log's owner writes; any process reads.

    Args:
        path: The file; made by the owner.
        most: Letters kept; the oldest go first.
        most_bytes: Bytes of raw events kept; the same.
        read_only: Only read.

    Raises:
        LogError: It is missing (read-only), is something else, or cannot be opened.
    """

    def __init__(self, path: Path, *, most: int, most_bytes: int, read_only: bool = False) -> None:
        self.path = path
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        if read_only and not path.exists():
            raise LogError(f"no dead letters at {path}", hint="nothing was ever refused here")
        try:
            self._connection = _connect(path, read_only=read_only)
        except sqlite3.Error as error:
            raise LogError(f"cannot open the dead letters {path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep `letters`, durable when it returns; their `number` is chosen here.

        Raises:
            LogError: The file is read-only, or its disk is full.
        """
        if not letters:
            return
        with self._transaction() as writer:
            writer.executemany(
                "INSERT INTO letters (received_at, source, reason, raw) VALUES (?,?,?,?)",
                [(one.received_at, one.source, one.reason, one.raw) for one in letters],
            )
            size = sum(len(letter.raw) for letter in letters)
            _count(writer, len(letters), size)
            self._make_room(writer)

    def read(self, after: int = 0, *, limit: int = 1000) -> list[DeadLetter]:
        """Letters with a number above `after`, oldest first.

        Raises:
            LogError: The file is damaged.
        """
        return self._select("number > ? ORDER BY number LIMIT ?", (after, limit))

    def newest(self, limit: int) -> list[DeadLetter]:
        """The newest letters, newest first.

        Raises:
            LogError: The file is damaged.
        """
        return self._select("1 ORDER BY number DESC LIMIT ?", (limit,))

    def find(self, numbers: Iterable[int]) -> list[DeadLetter]:
        """Those of `numbers` that are there, oldest first.

        Raises:
            LogError: The file is damaged.
        """
        wanted = sorted(set(numbers))
        found: list[DeadLetter] = []
        for start in range(0, len(wanted), _PAGE):
            part = wanted[start : start + _PAGE]
            marks = ",".join("?" * len(part))
            found += self._select(f"number IN ({marks}) ORDER BY number", tuple(part))
        return found

    def remove(self, numbers: Sequence[int]) -> None:
        """Drop letters that were replayed, or are not wanted; unknown numbers change nothing.

        Raises:
            LogError: The file is read-only, or its disk is full.
        """
        if numbers:
            with self._transaction() as writer:
                for number in numbers:
                    _drop(writer, number)

    def totals(self) -> Totals:
        """How many there are, and how many were dropped to make room.

        Raises:
            LogError: The file is damaged.
        """
        with self._reading() as reader:
            return Totals(*reader.execute("SELECT kept, bytes, lost FROM totals").fetchone())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _make_room(self, writer: sqlite3.Connection) -> None:
        """Drop the oldest until both limits hold."""
        while True:
            kept, size, _ = writer.execute("SELECT kept, bytes, lost FROM totals").fetchone()
            if kept <= self._most and size <= self._most_bytes:
                return
            for number, length in writer.execute(
                "SELECT number, length(raw) FROM letters ORDER BY number LIMIT ?", (_PAGE,)
            ).fetchall():
                if kept <= self._most and size <= self._most_bytes:
                    break
                _drop(writer, number)
                writer.execute("UPDATE totals SET lost = lost + 1")
                kept, size = kept - 1, size - length

    def _select(self, where: str, values: tuple[int, ...]) -> list[DeadLetter]:
        sql = f"SELECT raw, reason, received_at, source, number FROM letters WHERE {where}"
        with self._reading() as reader:
            return [DeadLetter(*row) for row in reader.execute(sql, values)]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise LogError(f"cannot read the dead letters {self.path}: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise LogError(
                    f"cannot write the dead letters {self.path}: {error}",
                    hint="free disk space or mend the file's permissions",
                ) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _drop(writer: sqlite3.Connection, number: int) -> None:
    row = writer.execute("SELECT length(raw) FROM letters WHERE number = ?", (number,)).fetchone()
    if row is not None:
        writer.execute("DELETE FROM letters WHERE number = ?", (number,))
        _count(writer, -1, -row[0])


def _count(writer: sqlite3.Connection, letters: int, size: int) -> None:
    writer.execute("UPDATE totals SET kept = kept + ?, bytes = bytes + ?", (letters, size))


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in _TABLES:
                    connection.execute(statement)
            connection.execute("COMMIT")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != _APPLICATION:
            raise LogError(f"{path} holds no dead letters of Palate")
        if version != FORMAT:
            raise LogError(
                f"the dead letters {path} have format {version}; this Palate reads {FORMAT}",
                hint="use the version of Palate that wrote them, or move the file away",
            )
    except (sqlite3.Error, LogError):
        connection.close()
        raise
    return connection
