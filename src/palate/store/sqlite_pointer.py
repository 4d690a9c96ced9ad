"""The embedded pointer: one table of the registry database."""

from __future__ import annotations

from typing import Final

from palate.store.base import Pointed
from palate.store.database import Database
from palate.store.watch import watched

__all__ = ["SqlitePointer"]

_TABLES: Final = (
    """CREATE TABLE pointers (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL,
        version INTEGER NOT NULL
    ) STRICT""",
)


class SqlitePointer:
    """A `Pointer` in a registry; processes of one machine share the file.

    Args:
        database: Closed by `close`.

    Raises:
        StoreError: The registry is damaged, or of a newer version.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("pointers", _TABLES)

    def get(self, name: str) -> Pointed | None:
        """What `name` holds now; None before it is set."""
        rows = self._database.query("SELECT value, version FROM pointers WHERE name = ?", (name,))
        return Pointed(bytes(rows[0][0]), int(rows[0][1])) if rows else None

    def set(self, name: str, value: bytes, *, expected: int) -> int | None:
        """Let `name` hold `value` if its version is `expected` (0: none yet); the new version.

        None where somebody else was first, and nothing has changed.
        """
        with self._database.transaction() as connection:
            if expected == 0:
                done = connection.execute(
                    "INSERT INTO pointers VALUES (?, ?, 1) ON CONFLICT (name) DO NOTHING",
                    (name, value),
                )
            else:
                done = connection.execute(
                    "UPDATE pointers SET value = ?, version = version + 1 "
                    "WHERE name = ? AND version = ?",
                    (value, name, expected),
                )
            return expected + 1 if done.rowcount == 1 else None

    def watch(self, name: str, *, after: int, timeout_s: float) -> Pointed | None:
        """The newest value once its version exceeds `after`; None where that takes too long."""
        return watched(lambda: self.get(name), after=after, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the registry."""
        self._database.close()
