"""Attributes of all live items in this worker's memory, kept fresh from the log's tail.

It only proposes: for filters that few items pass, and for an answer where there is no release.
The last filter of every slate reads the store, so an entry here may be a moment behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from palate.config import Schema
from palate.events.log.base import EventLog, Record
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED
from palate.features.item_state import HIDDEN
from palate.features.state import State
from palate.pipeline.filter import Filter
from palate.types import AttributeKind

__all__ = ["Catalogue"]

_PAGE: Final = 10_000  # items read from the store at once
_TAIL: Final = 2_000  # events read from the log at once
_FILTERED: Final = frozenset(
    {
        AttributeKind.CATEGORY,
        AttributeKind.CATEGORIES,
        AttributeKind.NUMBER,
        AttributeKind.TIME,
    }
)


class Catalogue:
    """Live items, least recently changed first, with the attributes that filters read.

    Args:
        log: Opened beside its owner, read only.
        schema: Says which attributes filters read; others are not kept.
    """

    def __init__(self, log: EventLog, schema: Schema) -> None:
        self._log = log
        self._kept = [name for name, a in schema.items.items() if a.kind in _FILTERED]
        self._items: dict[str, Mapping[str, Any]] = {}
        self._offset = 0
        self._version = 0
        self._matches: dict[Filter, tuple[int, list[str]]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def fill(self, state: State) -> None:
        """Read all items from the store; for the start."""
        self._offset = state.offset()
        after: str | None = None
        found: list[tuple[int, str, Mapping[str, Any]]] = []
        while page := state.items(after=after, limit=_PAGE):
            found += [
                (s.updated_offset, i, self._only(s.attributes)) for i, s in page if not s.hidden
            ]
            after = page[-1][0]
        found.sort(key=lambda entry: entry[:2])
        self._items = {item_id: attributes for _, item_id, attributes in found}
        self._version += 1

    def follow(self) -> int:
        """Take in what the log has beyond the last call; how many events that were.

        Reads one page: call again while it returns some.
        """
        records = self._log.read(self._offset, limit=_TAIL, events=(ITEM_UPSERTED, ITEM_DELETED))
        for record in records:
            self._apply(record)
        if records:
            self._offset = records[-1].offset
            self._version += 1
        return len(records)

    def _apply(self, record: Record) -> None:
        event = record.event
        if event.item_id is None:
            return
        self._items.pop(event.item_id, None)
        attributes = event.attributes or {}
        if event.event == ITEM_UPSERTED and attributes.get(HIDDEN) is not True:
            self._items[event.item_id] = self._only(attributes)

    def _only(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: attributes[name] for name in self._kept if name in attributes}

    @property
    def attributes(self) -> Callable[[str], Mapping[str, Any] | None]:
        """Gives what filters read of a live item; None for any other.

        The dictionary's own lookup: a request asks for some five hundred.
        """
        return self._items.get

    def newest(self) -> Iterator[str]:
        """Ids of live items, most recently changed first."""
        return reversed(self._items)

    def matching(self, wanted: Filter) -> list[str]:
        """Ids of the items that pass, most recently changed first.

        The last few filters' answers are kept until an item changes.
        """
        version, ids = self._matches.get(wanted, (-1, []))
        if version != self._version:
            items = self._items
            ids = [i for i in reversed(items) if wanted.matches(items[i])]
            self._matches[wanted] = (self._version, ids)
            for old in list(islice(self._matches, max(0, len(self._matches) - 64))):
                del self._matches[old]
        return ids
