"""What each alias names, and what it named before: a stack of steps an alias."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from palate.errors import ReleaseError, UnknownReleaseError
from palate.store.database import Database

__all__ = ["TABLES", "Aliases"]

TABLES: Final = (
    # Oldest first; the newest step of an alias is what it names now.
    """CREATE TABLE alias_steps (
        step INTEGER PRIMARY KEY AUTOINCREMENT,
        alias TEXT NOT NULL,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        FOREIGN KEY (name, version) REFERENCES releases (name, version) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX alias_steps_by_alias ON alias_steps (alias, step)",
)


class Aliases:
    """Rows of `alias_steps`. What changes them runs in the transaction that is passed in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """What each alias names now, `name:version`, by alias in order."""
        rows = self._database.query(
            """SELECT alias, name || ':' || version FROM alias_steps
               WHERE step IN (SELECT max(step) FROM alias_steps GROUP BY alias) ORDER BY alias"""
        )
        return {row[0]: row[1] for row in rows}

    def named(self, alias: str) -> str | None:
        """What `alias` names now, `name:version`; None where there is no such alias."""
        return next(iter(self._steps(alias)), None)

    @staticmethod
    def push(connection: sqlite3.Connection, alias: str, *, name: str, version: int) -> None:
        """Let `alias` name a release; what it named stays below."""
        connection.execute(
            "INSERT INTO alias_steps (alias, name, version) VALUES (?, ?, ?)",
            (alias, name, version),
        )

    def before(self, alias: str) -> tuple[str, str]:
        """What `alias` names now, and the last other release that it named.

        Raises:
            UnknownReleaseError: There is no such alias.
            ReleaseError: It named nothing else.
        """
        steps = self._steps(alias)
        if not steps:
            raise UnknownReleaseError(
                f"no alias is called {alias!r}",
                hint=f"there are: {', '.join(self.all()) or 'none'}",
            )
        earlier = _other(steps)
        if earlier is None:
            raise ReleaseError(
                f"{alias} has named {steps[0]} alone, so there is nothing to roll back to",
                hint="promote another release",
            )
        return steps[0], earlier

    def previous(self, alias: str) -> str | None:
        """The last release that `alias` named other than the one it names now; None for none."""
        return _other(self._steps(alias))

    @staticmethod
    def pop_to(connection: sqlite3.Connection, alias: str, ref: str) -> None:
        """Drop the steps of `alias` that are newer than its last step to `ref`."""
        connection.execute(
            """DELETE FROM alias_steps WHERE alias = :alias AND step > (
                   SELECT max(step) FROM alias_steps
                   WHERE alias = :alias AND name || ':' || version = :ref)""",
            {"alias": alias, "ref": ref},
        )

    def _steps(self, alias: str) -> list[str]:
        """Newest first."""
        rows = self._database.query(
            "SELECT name || ':' || version FROM alias_steps WHERE alias = ? ORDER BY step DESC",
            (alias,),
        )
        return [row[0] for row in rows]


def _other(steps: Sequence[str]) -> str | None:
    """The first that is not as the first of all."""
    return next((ref for ref in steps if ref != steps[0]), None)
