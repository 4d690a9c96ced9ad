"""Reads an event log beside its owner, also after the owner has put a new file in its place."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from palate.errors import LogError
from palate.events.log import tables

__all__ = ["LogReader"]


class LogReader:
    """A read-only connection to whatever file bears the log's name. Threads may share it.

    A log that is written anew (`successor.py`) is another file under the same name. What a
    connection to the old one says after that is thrown away, and asked again of the new one.

    Args:
        path: The log.

    Raises:
        LogError: It is no log, of another version, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection, self._file = _opened(path)

    def fetch(self, sql: str, values: tuple[str | int, ...]) -> list[Any]:
        """All rows of one SELECT, from one moment.

        Raises:
            LogError: The file is damaged.
        """
        with self._lock:
            while True:
                error: sqlite3.Error | None = None
                try:
                    rows = self._connection.execute(sql, values).fetchall()
                except sqlite3.Error as raised:
                    error = raised
                # Asked afterwards: rows that were read before the change are good.
                if _file_at(self._path) in (self._file, None):
                    if error is None:
                        return rows
                    raise LogError(f"cannot read the event log {self._path}: {error}") from error
                self._connection.close()
                self._connection, self._file = _opened(self._path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _opened(path: Path) -> tuple[sqlite3.Connection, tuple[int, int] | None]:
    """A connection, and which file it is of."""
    while True:
        before = _file_at(path)
        connection = tables.connect(path, read_only=True)
        if _file_at(path) == before:
            return connection, before
        connection.close()


def _file_at(path: Path) -> tuple[int, int] | None:
    """Tells one file from any other while it is open; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
