"""Who changed what, when and why: one table of the registry, appended to and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from palate.errors import StoreError
from palate.store.database import Database

__all__ = ["TABLES", "Audit", "AuditEntry", "append", "entries"]

TABLES: Final = (
    # `releases` made this table first, so both name it: whoever comes second finds it there.
    """CREATE TABLE IF NOT EXISTS audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at_us INTEGER NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        ref TEXT NOT NULL,
        alias TEXT,
        previous TEXT,
        why TEXT NOT NULL
    ) STRICT""",
    """CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_is_not_shortened BEFORE DELETE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)
_SELECT: Final = "SELECT at_us, who, action, ref, alias, previous, why FROM audit"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Attributes:
        at: When, UTC.
        who: `key ID` for a request, or the account that typed a command.
        action: Of a release `create`, `promote`, `rollback` or `remove`; of anything else its
            kind and what happened: `key.create`, `item.upserted`, `index.rollback`.
        ref: What it happened to: a release `name:version`, a key's id, an item. Never a person:
            people are named by a keyed hash, because what stands here is never erased.
        alias: The alias that moved; None where none did.
        previous: The release that the alias named before, or the snapshot that was left; None
            where there was none.
        why: As given; may be empty.
    """

    at: datetime
    who: str
    action: str
    ref: str
    alias: str | None = None
    previous: str | None = None
    why: str = ""


class Audit:
    """The audit of a registry, for those who have no other business with it.

    Args:
        database: Of a Palate home.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("audit", TABLES)

    def note(self, who: str, action: str, ref: str, *, why: str = "") -> None:
        """Add one entry, of now.

        Raises:
            StoreError: Nobody answers for the change, or the registry refused.
        """
        with self._database.transaction() as connection:
            append(connection, [AuditEntry(datetime.now(UTC), who, action, ref, why=why)])

    def recent(self, limit: int) -> tuple[AuditEntry, ...]:
        """The newest `limit` entries, newest first."""
        rows = self._database.query(f"{_SELECT} ORDER BY sequence DESC LIMIT ?", (limit,))
        return tuple(map(_entry, rows))


def append(connection: sqlite3.Connection, made: Iterable[AuditEntry]) -> None:
    """Add entries within the transaction of the change that they record.

    Raises:
        StoreError: Nobody answers for one of them.
    """
    rows = [
        (int(e.at.timestamp() * 1e6), e.who, e.action, e.ref, e.alias, e.previous, e.why)
        for e in made
    ]
    for _, who, action, *_rest in rows:
        if not who.strip():
            raise StoreError(f"nobody is named for this {action}", hint="say who: by=...")
    connection.executemany(
        "INSERT INTO audit (at_us, who, action, ref, alias, previous, why) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def entries(database: Database, actions: Sequence[str]) -> tuple[AuditEntry, ...]:
    """All entries of these actions, oldest first."""
    marks = ", ".join("?" * len(actions))
    rows = database.query(f"{_SELECT} WHERE action IN ({marks}) ORDER BY sequence", tuple(actions))
    return tuple(map(_entry, rows))


def _entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(datetime.fromtimestamp(row[0] / 1e6, UTC), *row[1:])
