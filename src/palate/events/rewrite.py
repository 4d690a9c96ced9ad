"""Writes a SQLite file anew, so that neither it nor its write-ahead log holds what was deleted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from palate.errors import LogError

__all__ = ["rewrite"]


def rewrite(writer: sqlite3.Connection, path: Path) -> None:
    """Copy all that lives into fresh pages, and cut the write-ahead log to nothing.

    Deleted rows are overwritten only in part: where SQLite had moved a row from page to page
    before, a copy may be left between the cells of a page that is in use. Readers go on reading.

    Args:
        writer: The connection of the one who writes, without a transaction.
        path: For messages.

    Raises:
        LogError: The disk is full, or a reader does not end.
    """
    try:
        writer.execute("VACUUM")
        busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise LogError(
            f"cannot write {path} anew: {error}",
            hint=f"it needs free disk space of twice the size of {path.name}",
        ) from error
    if busy:
        raise LogError(f"cannot cut {path.name}-wal: a reader does not end; it is tried again")
