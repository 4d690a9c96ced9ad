"""The connections of one opener of an embedded log: one to read, and the owner's one to write."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from palate.errors import LogError
from palate.events.log import tables
from palate.events.log.lock import OwnerLock
from palate.events.log.reader import LogReader
from palate.events.log.successor import Successor, discard

__all__ = ["LogFiles"]

_TRIES: Final = 600  # to find the file without a reader, before it is given up for now
_PAUSE_S: Final = 0.05  # between two of them
_SPARE_BYTES: Final = 64 << 20  # that stay free for appends while there are two files


class LogFiles:
    """The file of a log as it is open here.

    Args:
        path: The file; its folder is made by the owner.
        read_only: Read beside the owner.
        power: Every commit is flushed to disk.

    Raises:
        LogError: Another process owns the log; the file is no log, of another version, or
            cannot be opened; it is missing (read-only).
    """

    def __init__(self, path: Path, *, read_only: bool, power: bool) -> None:
        self.path = path
        self._power = power
        self._writer: sqlite3.Connection | None = None
        self._successor: Successor | None = None
        # A checkpoint must not find one file under the name and the write-ahead log of another.
        self._change = threading.Lock()
        if read_only and not path.exists():
            raise LogError(f"no event log at {path}", hint="import data or start the service first")
        with ExitStack() as opened:  # closed again where the opening fails
            if not read_only:
                _make_folder(path.parent)
                lock = OwnerLock(path.with_name(path.name + ".lock"))
                opened.callback(lock.release)
                discard(path)
                self._writer = tables.connect(path, read_only=False, power=power)
                opened.callback(self._writer.close)
            self._reader = LogReader(path)
            opened.pop_all()
        self._lock = None if read_only else lock

    def fetch(self, sql: str, values: tuple[str | int, ...] = ()) -> list[Any]:
        """All rows of one SELECT. Threads may call it at any time.

        Raises:
            LogError: The file is damaged.
        """
        return self._reader.fetch(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which the caller commits; any error before that undoes all of it.

        Raises:
            LogError: The log is read-only, or its disk is full; nothing was changed.
        """
        writer = self._writer
        if writer is None:
            raise LogError(
                f"the event log {self.path} is not open for writing",
                hint="the process that owns it appends; hand it the events",
            )
        try:
            writer.execute("BEGIN IMMEDIATE")
            yield writer
        except sqlite3.Error as error:
            raise LogError(
                f"cannot write to the event log {self.path}: {error}; nothing was written",
                hint="free disk space or mend the file's permissions, then send again",
            ) from error
        finally:
            if writer.in_transaction:
                writer.execute("ROLLBACK")

    def checkpoint(self) -> None:
        """Put most of the write-ahead log into the file, beside appends.

        SQLite does so by itself every few thousand pages, in whichever append that comes to. One
        that has been done already costs that append no more than what came since.

        Raises:
            LogError: The log is read-only, or its disk is full.
        """
        if self._writer is None:
            raise LogError(f"the event log {self.path} is not open for writing")
        name = f"{self.path.absolute().as_uri()}?mode=rw"
        try:
            # On a connection of its own: the owner's may be in a transaction.
            with self._change, closing(sqlite3.connect(name, uri=True)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            raise LogError(f"cannot write to the event log {self.path}: {error}") from error

    # ------------------------------------------------------------------ a new file

    @property
    def renewing(self) -> bool:
        """Whether a successor is being filled: nothing may be taken out of the log meanwhile."""
        return self._successor is not None

    def begin(self) -> None:
        """Begin to fill a new file, unless that was begun; nothing else is being written.

        Raises:
            LogError: The log is read-only, or there is no room for a second file beside it.
        """
        if self._writer is None:
            raise LogError(f"the event log {self.path} is not open for writing")
        if self._successor is None:
            with self._renewing():
                _check_room(self.path)
                self._successor = Successor(self.path)

    def fill(self, head: int) -> bool:
        """Copy a little into the new file; whether there is more to copy before `replace`.

        Raises:
            LogError: The disk is full: the old file stays.
        """
        successor = self._successor
        assert successor is not None
        with self._renewing():
            more = successor.fill(head)
            if not more:
                self.checkpoint()
            return more

    def replace(self, head: int) -> bool:
        """Put the new file in the place of the old one; whether that was done.

        It is not while somebody reads what stands in the write-ahead log: the next call tries
        again, after `rest`.

        Args:
            head: The newest offset; nobody appends meanwhile.

        Raises:
            LogError: A file cannot be written, or a reader does not end: the old file stays.
        """
        successor = self._successor
        assert successor is not None
        assert self._writer is not None
        with self._change, self._renewing():
            if not _cut(self._writer):
                successor.tries += 1
                if successor.tries < _TRIES:
                    return False
                raise LogError(
                    f"cannot write {self.path} anew: a reader does not end",
                    hint="it is tried again; see who holds the file open",
                )
            successor.finish(head)
            self._writer.close()
            try:
                successor.take_over()
            finally:
                self._writer = tables.connect(self.path, read_only=False, power=self._power)
            self._successor = None
        return True

    def rest(self) -> None:
        """Give a reader time to end."""
        time.sleep(_PAUSE_S)

    def abandon(self) -> None:
        """Throw away a successor that is not finished, where there is one."""
        successor, self._successor = self._successor, None
        if successor is not None:
            successor.close()

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, LogError) as error:
            self.abandon()
            if isinstance(error, LogError):
                raise
            raise LogError(
                f"cannot write {self.path} anew: {error}",
                hint=f"it needs free disk space of the size of {self.path.name}",
            ) from error

    def close(self) -> None:
        """Close the files and let the next owner in."""
        self.abandon()
        self._reader.close()
        if self._writer is not None:
            self._writer.close()
        if self._lock is not None:
            self._lock.release()


def _check_room(path: Path) -> None:
    """Refuse to begin what would fill the disk half way: appends would be refused then."""
    wanted, free = path.stat().st_size + _SPARE_BYTES, shutil.disk_usage(path.parent).free
    if free < wanted:
        raise LogError(
            f"cannot write {path} anew: {free / 1e6:,.0f} MB are free beside it, and it takes "
            f"{wanted / 1e6:,.0f} MB",
            hint="free disk space; it is tried again",
        )


def _cut(writer: sqlite3.Connection) -> bool:
    """Empty the write-ahead log into the file at once; False where a reader is in the way."""
    writer.execute("PRAGMA busy_timeout = 0")
    try:
        busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        writer.execute(f"PRAGMA busy_timeout = {round(tables.BUSY_S * 1000)}")
    return not busy


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogError(f"cannot make the folder {folder}: {error.strerror}") from error
