"""Keys that open the service: what each may do, how often and until when; the secret is a hash.

A secret is 256 random bits, so one SHA-256 of it is all that is kept: there is no dictionary to
try, and slow password hashes (RFC 9106) would only make every request slow. A copy of the
registry opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from palate.errors import StoreError
from palate.store import audit
from palate.store.audit import AuditEntry
from palate.store.database import Database
from palate.store.key import Key, KeyLimits, Scope, check_key

__all__ = ["SECRET_PREFIX", "Keys", "digest_of"]

SECRET_PREFIX: Final = "palate_"  # scanners for leaked secrets look for such
_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 32

_TABLES: Final = (
    """CREATE TABLE keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL UNIQUE,      -- SHA-256 of the whole secret
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,             -- joined by spaces
        origins TEXT NOT NULL,            -- joined by spaces
        rate_per_s REAL,
        burst INTEGER,
        created_us INTEGER NOT NULL,
        expires_us INTEGER,
        revoked_us INTEGER,
        last_used_us INTEGER
    ) STRICT""",
)


class Keys:
    """The keys of a registry. A change is seen by the next look of any process.

    Args:
        database: Of a Palate home.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("audit", audit.TABLES)
        database.migrate("keys", _TABLES)

    def create(
        self, name: str, scopes: Collection[Scope], *, limits: KeyLimits | None = None, by: str
    ) -> tuple[str, Key]:
        """Make a key; its secret is told now and never again.

        Returns:
            The secret, and the key.

        Raises:
            ConfigError: The name is empty, there is no scope, or a limit is impossible.
            StoreError: The registry refused.
        """
        limits = limits or KeyLimits()
        check_key(name, scopes, limits)
        with self._database.transaction() as connection:
            secret, key = _insert(connection, name, scopes, limits)
            _note(connection, by, "key.create", key, why=_said(key))
        return secret, key

    def rotate(self, key_id: str, *, overlap: timedelta, by: str) -> tuple[str, Key]:
        """Make a successor with the same name, scopes and limits; both stand for `overlap`.

        Returns:
            The successor's secret, and the successor.

        Raises:
            StoreError: There is no such key, or it does not stand any more.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as connection:
            old = self._standing(key_id, now)
            last = now + overlap
            if old.limits.expires_at is not None:
                last = min(last, old.limits.expires_at)
            secret, key = _insert(connection, old.name, old.scopes, old.limits)
            connection.execute("UPDATE keys SET expires_us = ? WHERE id = ?", (_us(last), key_id))
            _note(connection, by, "key.rotate", old, why=f"{key.id} follows")
        return secret, key

    def revoke(self, key_id: str, *, by: str) -> Key:
        """Let the key open nothing from now on; nothing happens where it was revoked before.

        Raises:
            StoreError: There is no such key.
        """
        with self._database.transaction() as connection:
            key = self.get(key_id)
            if key.revoked_at is None:
                connection.execute(
                    "UPDATE keys SET revoked_us = ? WHERE id = ?", (_us(datetime.now(UTC)), key_id)
                )
                _note(connection, by, "key.revoke", key)
        return self.get(key_id)

    def get(self, key_id: str) -> Key:
        """The key with this id.

        Raises:
            StoreError: There is none.
        """
        for key in self.all():
            if key.id == key_id:
                return key
        raise StoreError(f"no key has the id {key_id!r}", hint="palate keys list")

    def all(self) -> tuple[Key, ...]:
        """Every key that ever was, oldest first."""
        return tuple(key for _, key in self.by_digest())

    def by_digest(self) -> tuple[tuple[bytes, Key], ...]:
        """Every key with the SHA-256 of its secret, oldest first."""
        rows = self._database.query("SELECT * FROM keys ORDER BY number")
        return tuple((bytes(row["digest"]), _key(row)) for row in rows)

    def used(self, ids: Iterable[str], at: datetime) -> None:
        """Note that these keys were used; call it now and then, not with every request."""
        rows = [(_us(at), key_id) for key_id in ids]
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE keys SET last_used_us = max(coalesce(last_used_us, 0), ?) WHERE id = ?",
                rows,
            )

    def _standing(self, key_id: str, now: datetime) -> Key:
        key = self.get(key_id)
        if not key.stands(now):
            raise StoreError(
                f"the key {key_id} was revoked or has expired", hint="palate keys create"
            )
        return key


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret: its SHA-256, 32 bytes."""
    return hashlib.sha256(secret).digest()


def _insert(
    connection: sqlite3.Connection, name: str, scopes: Collection[Scope], limits: KeyLimits
) -> tuple[str, Key]:
    key_id = secrets.token_hex(_ID_BYTES)
    secret = f"{SECRET_PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    connection.execute(
        "INSERT INTO keys (id, digest, name, scopes, origins, rate_per_s, burst, created_us, "
        "expires_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key_id,
            digest_of(secret.encode()),
            name,
            " ".join(sorted(scopes)),
            " ".join(limits.origins),
            limits.rate_per_s,
            limits.burst,
            _us(datetime.now(UTC)),
            None if limits.expires_at is None else _us(limits.expires_at),
        ),
    )
    row = connection.execute("SELECT * FROM keys WHERE id = ?", (key_id,)).fetchone()
    return secret, _key(row)


def _key(row: sqlite3.Row) -> Key:
    return Key(
        number=row["number"],
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"].split()),
        limits=KeyLimits(
            row["rate_per_s"], row["burst"], tuple(row["origins"].split()), _at(row["expires_us"])
        ),
        created_at=datetime.fromtimestamp(row["created_us"] / 1e6, UTC),
        revoked_at=_at(row["revoked_us"]),
        last_used_at=_at(row["last_used_us"]),
    )


def _note(connection: sqlite3.Connection, by: str, action: str, key: Key, *, why: str = "") -> None:
    audit.append(connection, [AuditEntry(datetime.now(UTC), by, action, key.id, why=why)])


def _said(key: Key) -> str:
    return f"{key.name}: {', '.join(sorted(key.scopes))}"


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1e6)


def _at(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC)
