"""Everything that is held about a person, as one document."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from palate.config import Settings
from palate.events.log import tables
from palate.events.log.people import People, records_about
from palate.features.ingest import open_dead_letters
from palate.features.state import State
from palate.features.user_state import UserState
from palate.privacy.letters import letters_about
from palate.privacy.people import LOG, people_of

__all__ = ["PersonExport", "export_person"]

_STEP: Final = 200_000  # offsets in one statement, so that no reader keeps the log's file long


class PersonExport(msgspec.Struct, frozen=True, kw_only=True):
    """What is held about a person.

    Attributes:
        user_id: Who.
        anonymous_ids: The visitors that they were.
        exported_at: ISO 8601, UTC.
        attributes: As last told.
        history: What answers are made from, oldest first: event, item, value, time.
        profiles: By definition what they prefer: `counts`, the weight of each value of an
            attribute, and `moments` of a number: count, mean, sum of squared deviations; as they
            were worth at `unit_us`, microseconds since 1970 UTC.
        events: Every record of the log about them, by offset, as it stands there; times are
            microseconds since 1970 UTC.
        refused: Their events that were refused and kept.
        note: What is not in here, and why.
    """

    user_id: str
    anonymous_ids: list[str]
    exported_at: str
    attributes: dict[str, Any]
    history: list[dict[str, Any]]
    profiles: dict[str, list[dict[str, Any]]]
    events: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    note: str = (
        "Released models, recorded runs and the audit hold no ids of people. Backups made "
        "before are not looked into."
    )


def export_person(user_id: str, home: Path, settings: Settings, state: State) -> PersonExport:
    """Gather all about one user; looks at the whole log, beside its owner.

    Raises:
        DataError: No id can be so.
        StoreError: A file is damaged.
    """
    people = people_of(user_id, home, state)
    known = state.user(user_id) or UserState()
    visitors = [found for v in people.visitors if (found := state.anonymous(v)) is not None]
    return PersonExport(
        user_id=user_id,
        anonymous_ids=list(people.visitors),
        exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
        attributes=known.attributes,
        history=[entry for one in (known, *visitors) for entry in _history(one)],
        profiles=_profiles(state, people),
        events=_events(home, people),
        refused=_refused(home, settings, people),
    )


def _history(state: UserState) -> list[dict[str, Any]]:
    columns = zip(state.events, state.item_ids, state.values, state.timestamps, strict=True)
    names = ("event", "item_id", "value", "timestamp")
    return [dict(zip(names, row, strict=True)) for row in columns]


def _profiles(state: State, people: People) -> dict[str, list[dict[str, Any]]]:
    profiles = state.profiles
    found: dict[str, list[dict[str, Any]]] = {}
    for fingerprint in (one.fingerprint for one in profiles.kept()):
        theirs = [profiles.user(user, fingerprint) for user in people.users]
        theirs += [profiles.visitor(visitor, fingerprint) for visitor in people.visitors]
        found[fingerprint] = [
            {
                "unit_us": one.unit_us,
                "counts": one.counts,
                "moments": {name: list(moments) for name, moments in one.moments.items()},
            }
            for kept in theirs
            if kept is not None
            for one in [kept.statistics()]
        ]
    return found


def _events(home: Path, people: People) -> list[dict[str, Any]]:
    if not (home / LOG).exists():
        return []
    found: list[dict[str, Any]] = []
    with closing(tables.connect(home / LOG, read_only=True)) as connection:
        head = connection.execute('SELECT coalesce(max("offset"), 0) FROM events').fetchone()[0]
        for after in range(0, head, _STEP):
            records = records_about(connection, people, after, min(after + _STEP, head))
            found += [{"offset": r.offset, **msgspec.to_builtins(r.event)} for r in records]
    return found


def _refused(home: Path, settings: Settings, people: People) -> list[dict[str, Any]]:
    if not (home / "events" / "dead.sqlite").exists():
        return []
    with open_dead_letters(home, settings, read_only=True) as letters:
        return [
            {
                "received_at": letter.received_at,
                "source": letter.source,
                "reason": letter.reason,
                "raw": letter.raw.decode("utf-8", "replace"),
            }
            for letter in letters_about(letters, people)
        ]
