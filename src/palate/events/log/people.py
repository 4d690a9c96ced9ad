"""A person's records in the file of an event log: found, and erased.

Ordinary events have no index by person, because everybody's events would pay for it; so both
look at the whole log, which takes some tenths of a second per million events.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Final, NamedTuple

from palate.events.log.base import Record
from palate.events.log.tables import ENTITY, SELECT, record_of
from palate.events.schema import USER_FORGOTTEN, USER_IDENTIFIED

__all__ = ["People", "blank", "erase", "records_about", "visitors_of"]

# Lists of any length as one parameter.
_IDS: Final = "(SELECT value FROM json_each(?{}))"
_USERS: Final = _IDS.format(1)
_VISITORS: Final = _IDS.format(2)
_ABOUT: Final = (
    f"(user_id IN {_USERS} OR (anonymous_id IN {_VISITORS} AND user_id IS NULL)) "
    f"AND event != '{USER_FORGOTTEN}'"
)
_RANGE: Final = '"offset" > ?3 AND "offset" <= ?4'


class People(NamedTuple):
    """Ids of those who are meant.

    Attributes:
        users: User ids.
        visitors: Anonymous ids that are theirs.
    """

    users: tuple[str, ...] = ()
    visitors: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, str]:
        """Both as SQL takes them."""
        return json.dumps(self.users), json.dumps(self.visitors)


def records_about(
    connection: sqlite3.Connection, people: People, after: int, upto: int
) -> list[Record]:
    """What the log holds about `people` above `after` up to `upto`, by offset."""
    rows = connection.execute(
        f'{SELECT} WHERE {_RANGE} AND {_ABOUT} ORDER BY "offset"',
        (*people.parameters, after, upto),
    )
    return [record_of(row) for row in rows]


def visitors_of(connection: sqlite3.Connection, user_id: str) -> tuple[str, ...]:
    """Visitors who turned out to be this user at some time, in order."""
    rows = connection.execute(
        f"""SELECT DISTINCT anonymous_id FROM events AS mine INDEXED BY versions
            WHERE {ENTITY} AND coalesce(item_id, user_id) = ?1 AND user_id = ?1
              AND event = '{USER_IDENTIFIED}' AND anonymous_id IS NOT NULL
            ORDER BY anonymous_id""",
        (user_id,),
    ).fetchall()
    return tuple(row[0] for row in rows)


def erase(writer: sqlite3.Connection, people: People, after: int, upto: int) -> int:
    """Drop all about `people` above `after` up to `upto`, within a transaction; how many records.

    An event that somebody else did on the same device stays, without the visitor's id. What
    `user.forgotten` says stays for `blank`.
    """
    parameters = (*people.parameters, after, upto)
    dropped = writer.execute(f"DELETE FROM events WHERE {_RANGE} AND {_ABOUT}", parameters).rowcount
    writer.execute(
        f"UPDATE events SET anonymous_id = NULL WHERE {_RANGE} AND anonymous_id IN {_VISITORS} "
        f"AND event != '{USER_FORGOTTEN}'",
        parameters,
    )
    return dropped


def blank(writer: sqlite3.Connection, offsets: list[int]) -> None:
    """Take the ids out of `user.forgotten` records, within a transaction.

    The records stay: the newest of a log must, so that no offset is used twice, and others see
    in them that somebody was forgotten here.
    """
    writer.executemany(
        "UPDATE events SET user_id = NULL, anonymous_id = NULL, rest = NULL "
        f"WHERE \"offset\" = ? AND event = '{USER_FORGOTTEN}'",
        [(offset,) for offset in offsets],
    )
