"""The SQLite file of an event log: its tables, its version, and how an event becomes a row."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from palate.errors import EventError, LogError
from palate.events.log.base import Record
from palate.events.schema import Event

__all__ = [
    "BUSY_S",
    "ENTITY",
    "FORMAT",
    "SELECT",
    "TABLES",
    "Row",
    "connect",
    "record_of",
    "row_of",
]

FORMAT: Final = 2  # PRAGMA user_version; raise it with any change of the tables
_APPLICATION: Final = 0x50414C45  # "PALE": tells our file from any other SQLite file
BUSY_S: Final = 10.0

ENTITY: Final = "event GLOB '*.*'"
"""Events about an item or a user, such as `item.upserted`: few among many, so they have an
index. A query must repeat these very words for SQLite to use it."""

_UPKEEP: Final = (  # what format 2 has beyond format 1
    # The versions of one item or user; "offset" is the last part of every index.
    f"CREATE INDEX versions ON events (coalesce(item_id, user_id)) WHERE {ENTITY}",
    "ALTER TABLE trimmed ADD COLUMN compacted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE trimmed ADD COLUMN buried INTEGER NOT NULL DEFAULT 0",
    f"PRAGMA user_version = {FORMAT}",
)

TABLES: Final = (
    """CREATE TABLE events (
        "offset" INTEGER PRIMARY KEY,
        event TEXT NOT NULL,
        user_id TEXT,
        anonymous_id TEXT,
        item_id TEXT,
        timestamp INTEGER NOT NULL,    -- microseconds since 1970 UTC
        received_at INTEGER NOT NULL,  -- the same; never falls as "offset" grows
        value REAL,
        event_id TEXT NOT NULL,
        rest BLOB                      -- MessagePack of the other fields; NULL for none
    )""",
    f'CREATE INDEX entities ON events ("offset") WHERE {ENTITY}',
    """CREATE TABLE recent_ids (
        "offset" INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,      -- events.identity.id_key(event_id)
        received_at INTEGER NOT NULL
    )""",
    # One row, see upkeep.py: what people did is gone below `below`; up to `compacted` every
    # record has dropped the older versions of its key, up to `buried` no tombstone is left.
    "CREATE TABLE trimmed (below INTEGER NOT NULL)",
    "INSERT INTO trimmed VALUES (1)",
    f"PRAGMA application_id = {_APPLICATION}",
    *_UPKEEP,
)

SELECT: Final = (
    'SELECT "offset", event, user_id, anonymous_id, item_id, timestamp, received_at, value, '
    "event_id, rest FROM events"
)

Row: TypeAlias = tuple[
    int, str, str | None, str | None, str | None, int, int, float | None, str, bytes | None
]


class _Rest(msgspec.Struct, frozen=True, array_like=True):
    """The fields of an event that have no column."""

    request_id: str | None
    position: int | None
    surface: str | None
    attributes: dict[str, Any] | None
    context: dict[str, Any] | None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Rest).decode


def row_of(offset: int, event: Event, received_at: int) -> Row:
    """What is written for `event`.

    Raises:
        EventError: Attributes or context hold something that MessagePack cannot: a number
            beyond 64 bits, an object that is not JSON's.
    """
    rest: bytes | None = None
    if (
        event.request_id is not None
        or event.position is not None
        or event.surface is not None
        or event.attributes is not None
        or event.context is not None
    ):
        try:
            rest = _encode(
                (event.request_id, event.position, event.surface, event.attributes, event.context)
            )
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise EventError(f"event {event.event_id!r} cannot be written: {error}") from error
    return (
        offset,
        event.event,
        event.user_id,
        event.anonymous_id,
        event.item_id,
        event.timestamp,
        received_at,
        event.value,
        event.event_id,
        rest,
    )


def record_of(row: Row) -> Record:
    """What `row_of` wrote."""
    offset, event, user, anonymous, item, timestamp, received_at, value, event_id, rest = row
    if rest is None:
        return Record(
            offset,
            Event(
                event=event,
                event_id=event_id,
                user_id=user,
                anonymous_id=anonymous,
                item_id=item,
                timestamp=timestamp,
                received_at=received_at,
                value=value,
            ),
        )
    more = _decode(rest)
    return Record(
        offset,
        Event(
            event=event,
            event_id=event_id,
            user_id=user,
            anonymous_id=anonymous,
            item_id=item,
            timestamp=timestamp,
            received_at=received_at,
            value=value,
            request_id=more.request_id,
            position=more.position,
            surface=more.surface,
            attributes=more.attributes,
            context=more.context,
        ),
    )


def connect(path: Path, *, read_only: bool, power: bool = False) -> sqlite3.Connection:
    """Open the file, making its tables where it is new and may be written.

    The owner brings a file of format 1 up to date, all or nothing.

    Raises:
        LogError: It is not a log, is of another version, is damaged, or cannot be opened.
    """
    mode = "ro" if read_only else "rwc"
    if read_only and _is_frozen(path):
        mode += "&immutable=1"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
    except sqlite3.Error as error:
        raise LogError(f"cannot open the event log {path}: {error}") from error
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if power else 'NORMAL'}")
            # A checkpoint a few times a second under full load, not a hundred times.
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            # The index over recent ids is hit at random where ids are not UUIDs: keep it in memory.
            connection.execute("PRAGMA cache_size = -65536")  # KiB
            _create(connection)
            _migrate(connection)
        _check(connection, path)
    except (sqlite3.Error, LogError) as error:
        connection.close()
        if isinstance(error, LogError):
            raise
        raise LogError(
            f"cannot open the event log {path}: {error}",
            hint="check that the file is an event log, is whole, and may be written",
        ) from error
    return connection


def _is_frozen(path: Path) -> bool:
    """Whether the file lies whole where nobody here may write, as on a disk that is read-only.

    SQLite would make two files beside it to read it, unless it is told that it never changes.
    """
    journal = path.with_name(f"{path.name}-wal")
    return not journal.exists() and not os.access(path.parent, os.W_OK)


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables in a new file, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        for statement in TABLES:
            connection.execute(statement)
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a log of format 1 to format 2: one transaction, so that a crash leaves format 1."""
    if _stamp(connection) == (_APPLICATION, 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in _UPKEEP:
            connection.execute(statement)
        connection.execute("COMMIT")


def _stamp(connection: sqlite3.Connection) -> tuple[int, int]:
    """Whose file it is, and of which format."""
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return application, version


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _stamp(connection)
    if application != _APPLICATION:
        raise LogError(f"{path} is not an event log of Palate")
    if version == 1:
        raise LogError(
            f"the event log {path} has format 1 and its owner has not brought it to {FORMAT} yet",
            hint="start the service or import something: the owner migrates it",
        )
    if version != FORMAT:
        raise LogError(
            f"the event log {path} has format {version}; this version of Palate reads {FORMAT}",
            hint="use the version of Palate that wrote it, or export and import the events",
        )
