"""Ids within the de-duplication window: looked up at each append, and forgotten with time."""

from __future__ import annotations

import sqlite3
from typing import Final

__all__ = ["known_ids", "prune_ids"]

_LOOKUP: Final = 900  # ids asked for in one SELECT; SQLite before 3.32 allows 999 parameters


def known_ids(writer: sqlite3.Connection, keys: list[bytes], cutoff: int) -> dict[bytes, int]:
    """Offsets of those `keys` that are within the window; forgets the expired ones."""
    known: dict[bytes, int] = {}
    expired: list[tuple[int]] = []
    for start in range(0, len(keys), _LOOKUP):
        part = keys[start : start + _LOOKUP]
        marks = ",".join("?" * len(part))
        for offset, key, received_at in writer.execute(
            f'SELECT "offset", key, received_at FROM recent_ids WHERE key IN ({marks})', part
        ):
            if received_at < cutoff:
                expired.append((offset,))
            else:
                known[key] = offset
    if expired:
        writer.executemany('DELETE FROM recent_ids WHERE "offset" = ?', expired)
    return known


def prune_ids(writer: sqlite3.Connection, cutoff: int, steps: int) -> int | None:
    """Forget up to `steps` of the oldest ids that are out of the window.

    Returns:
        When the oldest that is left was received; until that is out of the window there is
        nothing to forget. None where none is left.
    """
    writer.execute(
        'DELETE FROM recent_ids WHERE received_at < ? AND "offset" <= '
        '(SELECT "offset" FROM recent_ids ORDER BY "offset" LIMIT 1) + ?',
        (cutoff, steps),
    )
    found = writer.execute(
        'SELECT received_at FROM recent_ids ORDER BY "offset" LIMIT 1'
    ).fetchone()
    return None if found is None else int(found[0])
