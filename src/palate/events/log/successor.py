"""A file that is filled beside an event log while that is written, and then takes its place.

A SQLite file keeps bytes of deleted rows: in free pages, and between the cells of pages that are in
use. A file that was never anything else holds what lives and nothing more. What lives is copied a
slice at a time, with the appends in between; these wait only while the last few rows are copied and
the files change places.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from palate.events.log import tables

__all__ = ["Successor", "discard"]

_SLICE: Final = 10_000  # offsets copied in one transaction: some ten milliseconds
_NEAR: Final = 1_000  # rows that may be left for the moment of the change
_FLUSH_EVERY: Final = 80_000  # offsets: no flush keeps the disk from the appends for long


class Successor:
    """The file beside `path` that is to take its place.

    Nobody may take anything out of the log while it is filled: such a row would come back.

    Args:
        path: The log, which this process owns.

    Raises:
        sqlite3.Error: The disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh = _beside(path)
        discard(path)
        self.tries = 0  # that met a reader
        self._after = 0  # all up to here was copied
        # Half a file is thrown away whatever it holds, so nothing need be undone or flushed yet.
        self._connection = sqlite3.connect(
            f"{self._fresh.absolute().as_uri()}?mode=rwc",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *tables.TABLES):
            self._connection.execute(statement)
        self._connection.execute("ATTACH ? AS log", (f"{path.absolute().as_uri()}?mode=ro",))
        self._fresh.chmod(path.stat().st_mode & 0o777)

    def fill(self, head: int) -> bool:
        """Copy a slice of what lives up to `head`; whether there is much left to copy.

        Raises:
            sqlite3.Error: The disk is full.
        """
        self._copy(min(self._after + _SLICE, head))
        more = head - self._after > _NEAR
        if not more or self._after % _FLUSH_EVERY < _SLICE:
            self._flush()  # so that little is left to flush while appends wait
        return more

    def finish(self, head: int) -> None:
        """Copy the rest; the file is whole and on disk when this returns, and closed.

        Args:
            head: The newest offset; nobody appends meanwhile.

        Raises:
            sqlite3.Error: The disk is full.
            OSError: It cannot be flushed.
        """
        self._copy(head)
        self._connection.execute("DELETE FROM trimmed")
        self._connection.execute("INSERT INTO trimmed SELECT * FROM log.trimmed")
        self._connection.execute("DETACH log")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.close()
        self._flush()

    def take_over(self) -> None:
        """Take the name of the log, whose connections in this process were closed.

        Its write-ahead log must be empty: without it the old file is whole as well, so that there
        is a log under the name at any moment.

        Raises:
            OSError: The folder cannot be written.
        """
        for journal in ("-wal", "-shm"):  # of the old file; the new one must not find them
            self._path.with_name(self._path.name + journal).unlink(missing_ok=True)
        self._fresh.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Give up, and leave nothing behind; does nothing after `take_over`."""
        self._connection.close()
        discard(self._path)

    def _copy(self, upto: int) -> None:
        span = (self._after, upto)
        connection = self._connection
        connection.execute("BEGIN")
        connection.execute(
            'INSERT INTO events SELECT * FROM log.events WHERE "offset" > ? AND "offset" <= ?', span
        )
        # An id that is out of the window may have come again since it was copied.
        connection.execute(
            "INSERT OR REPLACE INTO recent_ids SELECT * FROM log.recent_ids "
            'WHERE "offset" > ? AND "offset" <= ?',
            span,
        )
        connection.execute("COMMIT")
        self._after = upto

    def _flush(self) -> None:
        descriptor = os.open(self._fresh, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def discard(path: Path) -> None:
    """Remove what is left of a successor of the log at `path` that never took its place."""
    fresh = _beside(path)
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            fresh.with_name(fresh.name + ending).unlink()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".fresh")
