"""Who changed items and users: taken from the log into the registry's audit.

A route signs the reserved event that it appends (`schema.BY`), so that whoever is in the log is in
the audit, whatever was killed in between: entries and the offset up to which they reach are written
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from palate.events.log.base import EventLog, Record
from palate.events.pseudonyms import Pseudonyms
from palate.events.schema import BY, KEPT, Event
from palate.store.audit import TABLES, AuditEntry, append
from palate.store.database import Database

__all__ = ["LOOK", "LogAudit", "person_ref"]

LOOK: Final = 2_000
"""Records that one `follow` looks at: one that takes in so many may have left some."""

_UNSIGNED: Final = "command line"
_CURSOR: Final = (
    'CREATE TABLE audited_log ("offset" INTEGER NOT NULL) STRICT',
    "INSERT INTO audited_log VALUES (0)",
)


class LogAudit:
    """Follows a log; one process does.

    Args:
        log: Its reserved events are what is audited.
        database: The registry.
        pseudonyms: Name people: the audit is never erased.
    """

    def __init__(self, log: EventLog, database: Database, pseudonyms: Pseudonyms) -> None:
        self._log = log
        self._database = database
        self._pseudonyms = pseudonyms
        database.migrate("audit", TABLES)
        database.migrate("audited_log", _CURSOR)

    def follow(self) -> int:
        """Take in some of what the log has beyond the last call; how many events that were.

        Call again while it returns some.
        """
        after = int(self._database.query('SELECT "offset" FROM audited_log')[0][0])
        head = self._log.head()
        if head <= after:
            return 0
        records = self._log.read(after, limit=LOOK, events=KEPT)
        upto = records[-1].offset if len(records) == LOOK else max(head, after)
        with self._database.transaction() as connection:
            append(connection, self._entries([r for r in records if r.offset <= upto]))
            connection.execute('UPDATE audited_log SET "offset" = ?', (upto,))
        return len(records)

    def _entries(self, records: Sequence[Record]) -> list[AuditEntry]:
        """One for each signed event; one for many that a command brought in together."""
        found: list[AuditEntry] = []
        for (who, action), run in groupby(
            (record.event for record in records), lambda event: (_signer(event), event.event)
        ):
            events = [
                event for event in run if event.item_id or event.user_id or event.anonymous_id
            ]
            if who == _UNSIGNED and len(events) > 1:
                at = _at(events[-1].received_at)
                found.append(AuditEntry(at, who, action, f"{len(events)} at once"))
            else:
                found += [
                    AuditEntry(_at(event.received_at), who, action, self._ref(event))
                    for event in events
                ]
        return found

    def _ref(self, event: Event) -> str:
        if event.item_id is not None:
            return event.item_id
        if event.user_id is not None:
            return person_ref(self._pseudonyms.user(event.user_id))
        return person_ref(self._pseudonyms.visitor(event.anonymous_id or ""))


def person_ref(digest: bytes) -> str:
    """What the audit calls a person: the beginning of the keyed hash."""
    return f"person {digest[:8].hex()}"


def _signer(event: Event) -> str:
    by = (event.context or {}).get(BY)
    return by if isinstance(by, str) and by.strip() else _UNSIGNED


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)
