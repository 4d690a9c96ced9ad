"""What a batch of records changes in the state: keys and their new values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from palate.events.log.base import Record
from palate.events.schema import (
    ABOUT_ITEMS,
    RESERVED,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
)
from palate.features.histories import Histories
from palate.features.item_state import encode_item, item_state_of
from palate.features.keys import ITEM, key
from palate.features.people import Follower, People, Puts, Reads, forgetting

if TYPE_CHECKING:
    from palate.features.profile_changes import EvidenceCache, ProfileChanges

__all__ = ["Puts", "changes", "forgetting", "profile_changes"]

_ABOUT_PEOPLE: Final = (USER_UPSERTED, USER_IDENTIFIED, USER_FORGOTTEN)


def changes(
    store: Reads,
    records: Sequence[Record],
    limit: int,
    profiles: Sequence[EvidenceCache] = (),
) -> Puts:
    """New values of all that `records` touch; None for what goes away.

    Args:
        store: The state before them.
        records: In the order of the log, none of them applied yet.
        limit: Most recent events kept per person.
        profiles: One for each definition whose profiles are kept.
    """
    return _changes(store, records, [Histories(limit)], profiles)


def profile_changes(
    store: Reads, records: Sequence[Record], profiles: Sequence[EvidenceCache]
) -> Puts:
    """As `changes`, but of people their profiles alone, and whom visitors turned out to be."""
    return _changes(store, records, [], profiles)


def _changes(
    store: Reads,
    records: Sequence[Record],
    followers: list[Follower],
    profiles: Sequence[EvidenceCache],
) -> Puts:
    puts: Puts = {}
    theirs: list[Record] = []  # about people
    for record in records:
        event = record.event
        if event.event in ABOUT_ITEMS:
            if event.item_id is not None:
                puts[key(ITEM, event.item_id)] = encode_item(item_state_of(record))
        elif event.event in _ABOUT_PEOPLE or (
            event.item_id is not None and event.event not in RESERVED
        ):
            theirs.append(record)
    if not theirs:
        return puts
    if not profiles:  # and nothing of theirs is imported
        people = People(store, theirs, followers)
        for record in theirs:
            people.take(record)
    else:
        from palate.features.profile_changes import ProfileChanges

        seen = {i for r in theirs if (i := r.event.item_id) is not None}
        kept = [ProfileChanges(cache, store, seen) for cache in profiles]
        people = People(store, theirs, [*followers, *kept])
        _in_order(records, theirs, people, kept)
    puts.update(people.changed())
    return puts


def _in_order(
    records: Sequence[Record],
    theirs: Sequence[Record],
    people: People,
    kept: Sequence[ProfileChanges],
) -> None:
    """Items too in the order of the log: an event says what its item was just then."""
    ahead = iter(theirs)
    following = next(ahead, None)
    for record in records:
        if record is following:
            people.take(record)
            following = next(ahead, None)
        elif record.event.event in ABOUT_ITEMS:
            for one in kept:
                one.item(record)
