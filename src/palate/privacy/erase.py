"""Asks for a person to be erased, and says how far that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from palate.events.forgotten import Forgotten
from palate.events.identity import uuid7
from palate.events.log.people import People
from palate.events.schema import BY, USER_FORGOTTEN, Event

__all__ = ["ErasureReport", "ErasureStatus", "digests_of", "forgetting_events", "report"]


class ErasureStatus(StrEnum):
    """How far an erasure is.

    Attributes:
        UNKNOWN: Nobody asked for it.
        HIDDEN: In no answer any more, and late events are refused.
        ERASED: No record is left in log, dead letters or state.
        CLEANED: No byte is left in any file.
    """

    UNKNOWN = "unknown"
    HIDDEN = "hidden"
    ERASED = "erased"
    CLEANED = "cleaned"


class ErasureReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The erasure of a person.

    Attributes:
        status: Of whichever of their ids is least far.
        ids: How many ids they had: the user's own and those of visitors.
        erase_by: When no file holds a byte any more at the latest, ISO 8601, UTC.
    """

    status: ErasureStatus
    ids: int
    erase_by: str = ""


def forgetting_events(people: People, by: str) -> list[Event]:
    """What is appended to have `people` forgotten.

    Args:
        people: A user and their visitors.
        by: Who asks for it.
    """
    context = {BY: by}
    users = [Event(event=USER_FORGOTTEN, user_id=u, context=context) for u in people.users]
    visitors = [
        Event(event=USER_FORGOTTEN, anonymous_id=v, context=context) for v in people.visitors
    ]
    return [msgspec.structs.replace(e, event_id=uuid7()) for e in (*users, *visitors)]


def digests_of(forgotten: Forgotten, people: People) -> list[bytes]:
    """Keyed hashes of their ids."""
    names = forgotten.pseudonyms
    return [*map(names.user, people.users), *map(names.visitor, people.visitors)]


def report(forgotten: Forgotten, digests: list[bytes], within_days: float) -> ErasureReport:
    """How far the erasure of these ids is.

    Args:
        forgotten: The registry's.
        digests: Keyed hashes of the ids.
        within_days: `[privacy] erase_within_days`.
    """
    found = [erasure for digest in digests if (erasure := forgotten.of(digest)) is not None]
    if not found:
        return ErasureReport(status=ErasureStatus.UNKNOWN, ids=0)
    if any(erasure.erased_us is None for erasure in found):
        status = ErasureStatus.HIDDEN
    elif any(erasure.cleaned_us is None for erasure in found):
        status = ErasureStatus.ERASED
    else:
        status = ErasureStatus.CLEANED
    if status is ErasureStatus.CLEANED:
        return ErasureReport(status=status, ids=len(found))
    asked = datetime.fromtimestamp(min(e.requested_us for e in found) / 1e6, UTC)
    erase_by = asked + timedelta(days=within_days)
    return ErasureReport(status=status, ids=len(found), erase_by=f"{erase_by:%Y-%m-%dT%H:%M:%SZ}")
