"""Who was forgotten: keyed hashes of their ids, so that late events of theirs are refused.

The ids themselves are erased everywhere; what is kept is a hash of each with this home's own key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from palate.config import PrivacySettings
from palate.events.pseudonyms import Pseudonyms, open_pseudonyms
from palate.events.schema import USER_FORGOTTEN, Event
from palate.store.database import REGISTRY, Database

__all__ = ["FORGOTTEN", "Erasure", "Forgotten", "named_in", "open_forgotten", "waiting_since"]

FORGOTTEN: Final = "this person was forgotten: nothing about them is taken any more"
_NOBODY: Final = ("event", "event_id", "item_id")  # fields that name no person
_DAY_US: Final = 86_400_000_000

_TABLES: Final = (
    """CREATE TABLE forgotten (
        digest BLOB PRIMARY KEY,          -- Pseudonyms.user or .visitor
        "offset" INTEGER,                 -- of user.forgotten in the log, which names the id
        requested_us INTEGER NOT NULL,    -- microseconds since 1970 UTC
        due_us INTEGER NOT NULL,          -- when files are to be cleaned of the last traces
        erased_us INTEGER,                -- when log, dead letters and state held nothing more
        cleaned_us INTEGER                -- when no byte was left in any file
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX forgotten_unclean ON forgotten (due_us) WHERE cleaned_us IS NULL",
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One id that was, or is being, erased.

    Attributes:
        digest: Its keyed hash.
        offset: Of the event in the log that still names it; None once it does not.
        requested_us: When, microseconds since 1970 UTC.
        due_us: When files are to be cleaned.
        erased_us: When the last record went; None while some are left.
        cleaned_us: When the last byte went; None while some may be left.
    """

    digest: bytes
    offset: int | None
    requested_us: int
    due_us: int
    erased_us: int | None
    cleaned_us: int | None


class Forgotten:
    """The table of erasures in a registry, and its digests in memory.

    One process, which owns the log, forgets; others may look and make an erasure due earlier.

    Args:
        database: Of a Palate home.
        pseudonyms: With this home's key.
        grace_us: How long files may keep traces, so that many erasures are cleaned up at once.
    """

    def __init__(self, database: Database, pseudonyms: Pseudonyms, grace_us: int) -> None:
        self._database = database
        self._grace_us = grace_us
        self.pseudonyms = pseudonyms
        database.migrate("forgotten", _TABLES)
        self._digests = {bytes(r["digest"]) for r in database.query("SELECT digest FROM forgotten")}

    def refuses(self, event: Event) -> bool:
        """Whether `event` is about somebody who was forgotten."""
        if not self._digests or event.event == USER_FORGOTTEN:
            return False
        user, visitor, names = event.user_id, event.anonymous_id, self.pseudonyms
        return (user is not None and names.user(user) in self._digests) or (
            visitor is not None and names.visitor(visitor) in self._digests
        )

    def refuses_raw(self, raw: bytes) -> bool:
        """Whether an event that was refused names one of them, as far as it can be read."""
        if not self._digests:
            return False
        names = self.pseudonyms
        return any(
            names.user(public) in self._digests or names.visitor(public) in self._digests
            for public in named_in(raw) or ()
        )

    def take_in(self, events: Sequence[Event], now_us: int) -> None:
        """From now on `refuses` those whom `user.forgotten` among `events` names; durable."""
        digests = self.digests_of([e for e in events if e.event == USER_FORGOTTEN])
        if not digests:
            return
        due_us = now_us + self._grace_us
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO forgotten (digest, requested_us, due_us) VALUES (?, ?, ?) "
                "ON CONFLICT (digest) DO UPDATE SET erased_us = NULL, cleaned_us = NULL, "
                "requested_us = excluded.requested_us, due_us = min(due_us, excluded.due_us)",
                [(digest, now_us, due_us) for digest in digests],
            )
        self._digests.update(digests)

    def digests_of(self, events: Sequence[Event]) -> list[bytes]:
        """Keyed hashes of all whom these events name."""
        users = [self.pseudonyms.user(e.user_id) for e in events if e.user_id is not None]
        visitors = [e.anonymous_id for e in events if e.anonymous_id is not None]
        return [*users, *map(self.pseudonyms.visitor, visitors)]

    def found(self, events: Sequence[Event], offsets: Sequence[int]) -> None:
        """Note at which offset the log names those whom `user.forgotten` among `events` names."""
        places = [
            (digest, offset)
            for event, offset in zip(events, offsets, strict=True)
            if event.event == USER_FORGOTTEN
            for digest in self.digests_of([event])
        ]
        if not places:
            return
        with self._database.transaction() as connection:
            connection.executemany('UPDATE forgotten SET "offset" = ?2 WHERE digest = ?1', places)

    def hasten(self, digests: Sequence[bytes], due_us: int) -> None:
        """Make these erasures due earlier."""
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE forgotten SET due_us = min(due_us, ?2) WHERE digest = ?1",
                [(digest, due_us) for digest in digests],
            )

    def unfinished(self) -> list[Erasure]:
        """Those that files may still have traces of; the one due first, first."""
        return self._select("WHERE cleaned_us IS NULL ORDER BY due_us, digest", ())

    def of(self, digest: bytes) -> Erasure | None:
        """The erasure of an id; None for one that was never forgotten."""
        found = self._select("WHERE digest = ?", (digest,))
        return found[0] if found else None

    def erased(self, digests: Sequence[bytes], now_us: int) -> None:
        """Note that no record about these is left."""
        self._note('erased_us = ?2, "offset" = NULL', digests, now_us)

    def cleaned(self, digests: Sequence[bytes], now_us: int) -> None:
        """Note that no byte about these is left."""
        self._note("cleaned_us = ?2", digests, now_us)

    def close(self) -> None:
        """Give the database's connections back."""
        self._database.close()

    def _note(self, change: str, digests: Sequence[bytes], now_us: int) -> None:
        with self._database.transaction() as connection:
            connection.executemany(
                f"UPDATE forgotten SET {change} WHERE digest = ?1",
                [(digest, now_us) for digest in digests],
            )

    def _select(self, rest: str, parameters: Sequence[bytes]) -> list[Erasure]:
        rows = self._database.query(
            'SELECT digest, "offset", requested_us, due_us, erased_us, cleaned_us '
            f"FROM forgotten {rest}",
            parameters,
        )
        return [Erasure(bytes(row[0]), *row[1:]) for row in rows]


def waiting_since(database: Database) -> list[int]:
    """When the erasures that are not finished were asked for, oldest first; changes nothing.

    Args:
        database: The registry.

    Returns:
        Microseconds since 1970 UTC.

    Raises:
        StoreError: It is damaged.
    """
    if not database.query("SELECT 1 FROM sqlite_schema WHERE name = 'forgotten'"):
        return []
    rows = database.query(
        "SELECT requested_us FROM forgotten WHERE cleaned_us IS NULL ORDER BY requested_us"
    )
    return [int(row[0]) for row in rows]


def named_in(raw: bytes) -> list[str] | None:
    """What may be ids of people in a refused event, whatever its fields are called.

    Numbers are among them as text: for an id that is a number an event is refused.

    Returns:
        None for what is not JSON.
    """
    try:
        event = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found: list[str] = []
    left = [event]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [inner for name, inner in value.items() if name not in _NOBODY]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str | int | float):
            found.append(str(value))
    return found


def open_forgotten(home: Path, settings: PrivacySettings) -> Forgotten:
    """Who was forgotten at `home`; makes the key, `privacy.key`, where there is none.

    Raises:
        StoreError: People were forgotten but the key is gone; or others may read it.
    """
    database = Database(home / REGISTRY)
    known = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'forgotten'")
    used = bool(known and database.query("SELECT 1 FROM forgotten LIMIT 1"))
    days = min(1.0, settings.erase_within_days / 2)
    pseudonyms = open_pseudonyms(home, new=not used)
    return Forgotten(database, pseudonyms, round(days * _DAY_US))
