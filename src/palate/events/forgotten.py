"""Who was forgotten: keyed hashes of their ids, so that late events of theirs are refused.

The ids themselves are erased everywhere; what is kept is HMAC-SHA-256 (RFC 2104) of each with a
key that lies beside the log. Without the key nobody can try ids against the hashes.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from palate.errors import StoreError
from palate.events.schema import USER_FORGOTTEN, Event
from palate.store.database import REGISTRY, Database

__all__ = ["FORGOTTEN", "KEY_FILE", "Erasure", "Forgotten", "Pseudonyms", "open_forgotten"]

FORGOTTEN: Final = "this person was forgotten: nothing about them is taken any more"
KEY_FILE: Final = "privacy.key"
_KEY_BYTES: Final = 32
_USER: Final = b"u:"
_VISITOR: Final = b"a:"

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


class Pseudonyms:
    """Keyed hashes of ids; a visitor is never a user of the same text.

    Args:
        key: Secret; 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def user(self, user_id: str) -> bytes:
        """32 bytes."""
        return self._of(_USER, user_id)

    def visitor(self, anonymous_id: str) -> bytes:
        """32 bytes."""
        return self._of(_VISITOR, anonymous_id)

    def _of(self, prefix: bytes, public: str) -> bytes:
        return hmac.digest(self._key, prefix + public.encode("utf-8", "surrogatepass"), "sha256")


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
    """

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
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

    def forget(self, events: Sequence[Event], now_us: int, due_us: int) -> None:
        """From now on `refuses` those whom `user.forgotten` events name; durable on return."""
        digests = self.digests_of(events)
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

    def found_at(self, places: Sequence[tuple[bytes, int]]) -> None:
        """Note at which offset the log names each digest's id."""
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


def open_forgotten(home: Path) -> Forgotten:
    """Who was forgotten at `home`; makes the key, `privacy.key`, where there is none.

    Raises:
        StoreError: People were forgotten but the key is gone; or others may read it.
    """
    database = Database(home / REGISTRY)
    known = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'forgotten'")
    used = bool(known and database.query("SELECT 1 FROM forgotten LIMIT 1"))
    return Forgotten(database, Pseudonyms(_key(home / KEY_FILE, new=not used)))


def _key(path: Path, *, new: bool) -> bytes:
    if new:
        with suppress(FileExistsError):
            _write_key(path)
    try:
        key = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} is gone, and with it the knowledge of who was forgotten",
            hint="put it back from a backup",
        ) from error
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise StoreError(f"others may read {path}", hint=f"chmod 600 {path}")
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path} has {len(key)} bytes; a key has {_KEY_BYTES}")
    return key


def _write_key(path: Path) -> None:
    """All or nothing: another process may make it at the same moment."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
