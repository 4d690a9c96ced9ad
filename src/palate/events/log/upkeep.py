"""What an owner drops from its log's file: what is old, and what was replaced; in steps.

Each function is one short transaction's work, so that appends never wait long. The one row of
`trimmed` remembers how far each has come.
"""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from palate.events.log.tables import ENTITY
from palate.events.schema import ABOUT_ITEMS, ITEM_DELETED, ITEM_UPSERTED, KEPT, USER_UPSERTED

__all__ = ["Dropped", "bury", "compact", "expire"]

_KEPT: Final = ", ".join(f"'{kind}'" for kind in KEPT)
_VERSIONS: Final = (
    f"DELETE FROM events INDEXED BY versions WHERE {ENTITY} "
    'AND coalesce(item_id, user_id) = ?1 AND "offset" < ?2'
)
_ITEM_VERSIONS: Final = (
    f"{_VERSIONS} AND item_id = ?1 AND event IN ('{ITEM_UPSERTED}', '{ITEM_DELETED}')"
)
_USER_VERSIONS: Final = f"{_VERSIONS} AND user_id = ?1 AND event = '{USER_UPSERTED}'"


class Dropped(NamedTuple):
    """What one step did: how many records went away, and whether there is more to do."""

    records: int
    more: bool


def expire(writer: sqlite3.Connection, below: int, steps: int) -> Dropped:
    """Drop what people did (and what was served) below `below`, of the next `steps` offsets.

    What items and users are (`KEPT`) stays.
    """
    start = _done(writer, "below")
    end = min(start + steps, below)
    if end <= start:
        return Dropped(0, more=False)
    dropped = writer.execute(
        f'DELETE FROM events WHERE "offset" >= ? AND "offset" < ? AND event NOT IN ({_KEPT})',
        (start, end),
    ).rowcount
    writer.execute("UPDATE trimmed SET below = ?", (end,))
    return Dropped(dropped, end < below)


def compact(writer: sqlite3.Connection, upto: int, steps: int) -> Dropped:
    """For the next `steps` records of an item or user up to `upto`, drop the older versions."""
    rows = _entities(writer, _done(writer, "compacted"), upto, steps)
    items = [(item, at) for at, event, item, _ in rows if event in ABOUT_ITEMS]
    users = [(user, at) for at, event, _, user in rows if event == USER_UPSERTED]
    dropped = writer.executemany(_ITEM_VERSIONS, items).rowcount if items else 0
    dropped += writer.executemany(_USER_VERSIONS, users).rowcount if users else 0
    return Dropped(dropped, _advance(writer, "compacted", rows, upto, steps))


def bury(writer: sqlite3.Connection, upto: int, steps: int) -> Dropped:
    """Drop `item.deleted` among the next `steps` records of an item or user up to `upto`.

    Only where `compact` has been: an older version would come back to life.
    """
    upto = min(upto, _done(writer, "compacted"))
    rows = _entities(writer, _done(writer, "buried"), upto, steps)
    stones = [(at,) for at, event, _, _ in rows if event == ITEM_DELETED]
    dropped = 0
    if stones:
        dropped = writer.executemany('DELETE FROM events WHERE "offset" = ?', stones).rowcount
    return Dropped(dropped, _advance(writer, "buried", rows, upto, steps))


def _entities(
    writer: sqlite3.Connection, after: int, upto: int, steps: int
) -> list[tuple[int, str, str | None, str | None]]:
    return writer.execute(
        'SELECT "offset", event, item_id, user_id FROM events INDEXED BY entities '
        f'WHERE {ENTITY} AND "offset" > ? AND "offset" <= ? ORDER BY "offset" LIMIT ?',
        (after, upto, steps),
    ).fetchall()


def _advance(
    writer: sqlite3.Connection, column: str, rows: list[tuple[int, str, str | None, str | None]],
    upto: int, steps: int,
) -> bool:  # fmt: skip
    """Note how far `column` has come; whether there may be more."""
    more = len(rows) == steps
    done = rows[-1][0] if more else upto
    writer.execute(f"UPDATE trimmed SET {column} = max({column}, ?)", (done,))
    return more and done < upto


def _done(writer: sqlite3.Connection, column: str) -> int:
    done: int = writer.execute(f"SELECT {column} FROM trimmed").fetchone()[0]
    return done
