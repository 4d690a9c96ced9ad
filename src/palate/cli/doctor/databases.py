"""Whether a SQLite file is whole: SQLite reads every page of it, within a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from palate.cli.doctor.finding import Finding, fail, ok, warn

__all__ = ["check_databases"]

QUICK_S = 5.0  # for each file; `--deep` gives it all that it needs
_STEPS = 100_000  # of SQLite's machine between two looks at the clock
_SUFFIXES = (".sqlite", ".groups")


def check_databases(home: Path, *, deep: bool) -> Iterator[Finding]:
    """Every database under `home`, one line each that is not whole."""
    files = [path for path in sorted(home.rglob("*")) if path.suffix in _SUFFIXES]
    found = [_look(path, None if deep else QUICK_S) for path in files]
    yield from (finding for finding in found if finding is not None)
    if files and found == [None] * len(files):
        yield ok("databases", f"{len(files)} read through, all whole")


def _look(path: Path, within_s: float | None) -> Finding | None:
    """What is wrong with a file; None for nothing."""
    deadline = None if within_s is None else time.monotonic() + within_s
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            if deadline is not None:
                connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return warn(
                "databases",
                f"{path.name} is large: looked through it for {within_s:g} s and found nothing",
                hint="palate doctor --deep",
            )
        return _damaged(path, str(error))
    except sqlite3.DatabaseError as error:
        return _damaged(path, str(error))
    said = "; ".join(str(row[0]) for row in rows)
    return None if said == "ok" else _damaged(path, said)


def _damaged(path: Path, why: str) -> Finding:
    return fail(
        "databases",
        f"{path} is damaged: {why}",
        hint="stop the service; palate restore BACKUP --force",
    )
