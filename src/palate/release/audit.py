"""Who did what to which release, when and why: appended to, never changed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from palate.errors import ReleaseError
from palate.store.database import Database

__all__ = ["TABLES", "AuditEntry", "append", "entries"]

TABLES: Final = (
    """CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at_us INTEGER NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        ref TEXT NOT NULL,
        alias TEXT,
        previous TEXT,
        why TEXT NOT NULL
    ) STRICT""",
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Attributes:
        at: When, UTC.
        who: A person, an account or a job, as given.
        action: `create`, `promote`, `rollback` or `remove`.
        ref: The release, `name:version`.
        alias: The alias that moved; None where none did.
        previous: The release that the alias named before; None where there was none.
        why: As given; may be empty.
    """

    at: datetime
    who: str
    action: str
    ref: str
    alias: str | None
    previous: str | None
    why: str


def append(connection: sqlite3.Connection, entry: AuditEntry) -> None:
    """Add an entry within the transaction of the change that it records.

    Raises:
        ReleaseError: Nobody answers for the change.
    """
    if not entry.who.strip():
        raise ReleaseError(f"nobody is named for this {entry.action}", hint="say who: by=...")
    connection.execute(
        "INSERT INTO audit (at_us, who, action, ref, alias, previous, why) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            int(entry.at.timestamp() * 1e6),
            entry.who,
            entry.action,
            entry.ref,
            entry.alias,
            entry.previous,
            entry.why,
        ),
    )


def entries(database: Database) -> tuple[AuditEntry, ...]:
    """All entries, oldest first."""
    rows = database.query(
        "SELECT at_us, who, action, ref, alias, previous, why FROM audit ORDER BY sequence"
    )
    return tuple(AuditEntry(datetime.fromtimestamp(row[0] / 1e6, UTC), *row[1:]) for row in rows)
