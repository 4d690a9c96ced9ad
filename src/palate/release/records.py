"""The table of releases: names, versions, manifests."""

from __future__ import annotations

import difflib
import sqlite3
from dataclasses import dataclass
from typing import Final

from palate.errors import UnknownReleaseError
from palate.release.manifest import Manifest
from palate.store.database import Database

__all__ = ["TABLES", "Records", "Release"]

TABLES: Final = (
    # `newest` outlives the release, so that a version is never used twice.
    "CREATE TABLE release_names (name TEXT PRIMARY KEY, newest INTEGER NOT NULL) STRICT",
    """CREATE TABLE releases (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        digest TEXT NOT NULL,
        manifest TEXT NOT NULL,
        PRIMARY KEY (name, version)
    ) STRICT""",
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release on record.

    Attributes:
        manifest: What it is.
        digest: SHA-256 of its manifest file, and so of the whole bundle.
    """

    manifest: Manifest
    digest: str

    @property
    def name(self) -> str:
        """Shared by all its versions."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """From 1."""
        return self.manifest.version

    @property
    def ref(self) -> str:
        """`name:version`."""
        return self.manifest.ref

    @property
    def key(self) -> str:
        """Where its bundle lies in the object store."""
        return f"releases/{self.name}/{self.version}"


class Records:
    """Rows of `releases`. What changes them runs in the transaction that is passed in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exact(self, ref: str) -> Release | None:
        """The release `name:version`."""
        return self._first("SELECT * FROM releases WHERE name || ':' || version = ?", ref)

    def newest(self, name: str) -> Release | None:
        """The newest version of `name`."""
        return self._first("SELECT * FROM releases WHERE name = ? ORDER BY version DESC", name)

    def all(self, name: str | None) -> tuple[Release, ...]:
        """All releases, or those of one name; by name, oldest version first."""
        rows = self._database.query(
            "SELECT * FROM releases WHERE ?1 IS NULL OR name = ?1 ORDER BY name, version", (name,)
        )
        return tuple(_release(row) for row in rows)

    def has_name(self, name: str) -> bool:
        """Whether `name` was ever that of a release."""
        return bool(self._database.query("SELECT 1 FROM release_names WHERE name = ?", (name,)))

    def unknown(self, ref: str, *, aliases: list[str]) -> UnknownReleaseError:
        """The error for a `ref` that names nothing, with what is near it."""
        known = [*aliases, *(release.ref for release in self.all(None))]
        near = difflib.get_close_matches(ref, known, n=3, cutoff=0.5) or known[-3:]
        return UnknownReleaseError(
            f"no release or alias is called {ref!r}",
            hint=f"near it: {', '.join(near)}" if near else "none was made yet: palate train",
        )

    @staticmethod
    def reserve(connection: sqlite3.Connection, name: str) -> int:
        """The next version of `name`, counted from 1."""
        row = connection.execute(
            "INSERT INTO release_names VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET newest = newest + 1 RETURNING newest",
            (name,),
        ).fetchone()
        return int(row[0])

    @staticmethod
    def add(connection: sqlite3.Connection, release: Release) -> None:
        """Put a release on record."""
        connection.execute(
            "INSERT INTO releases (name, version, digest, manifest) VALUES (?, ?, ?, ?)",
            (release.name, release.version, release.digest, release.manifest.to_json()),
        )

    @staticmethod
    def remove(connection: sqlite3.Connection, release: Release) -> None:
        """Take a release off the record, and out of the past of all aliases."""
        connection.execute(
            "DELETE FROM releases WHERE name = ? AND version = ?", (release.name, release.version)
        )

    def _first(self, sql: str, parameter: str) -> Release | None:
        rows = self._database.query(f"{sql} LIMIT 1", (parameter,))
        return _release(rows[0]) if rows else None


def _release(row: sqlite3.Row) -> Release:
    return Release(Manifest.model_validate_json(row["manifest"]), row["digest"])
