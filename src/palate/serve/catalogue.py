"""Attributes of all live items in this worker's memory, kept fresh from the log's tail.

It only proposes: for filters that few items pass, and for an answer where there is no release.
The last filter of every slate reads the store, so an entry here may be a moment behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np

from palate.config import Schema
from palate.events.log.base import EventLog, Record
from palate.events.schema import ABOUT_ITEMS
from palate.features.item_state import ItemState, item_state_of
from palate.features.state import State
from palate.pipeline.filter import Condition, Filter
from palate.serve.item_columns import Column, column_of
from palate.serve.item_rows import ItemRows
from palate.types import BoolArray, Int32Array, Int64Array, IntArray

__all__ = ["Catalogue"]

_PAGE: Final = 10_000  # items read from the store at once
_TAIL: Final = 200  # changes taken in at once, for which requests wait: about 2 ms
_KEPT: Final = 64  # filters whose items are kept until one changes


class Catalogue:
    """Live items, least recently changed first, with the attributes that filters read.

    The thread that answers also calls `fill` and `follow`: rows hold for a request.

    Args:
        log: Opened beside its owner, read only.
        schema: Says which attributes filters read; others are not kept.
    """

    def __init__(self, log: EventLog, schema: Schema) -> None:
        self._log = log
        self._kinds = {name: a.kind for name, a in schema.items.items()}
        self._offset = 0
        self._version = 0
        self._matches: dict[Filter, tuple[int, Int32Array]] = {}
        self._clear()

    def _clear(self) -> None:
        self._rows = ItemRows()
        columns = {name: column_of(kind) for name, kind in self._kinds.items()}
        self._columns: dict[str, Column] = {n: c for n, c in columns.items() if c is not None}
        self._changed_us = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def offset(self) -> int:
        """The offset of the log up to which everything is in, perhaps more."""
        return self._offset

    def fill(self, state: State) -> None:
        """Read all items from the store; for the start."""
        self._offset = state.offset()
        self._version += 1
        self._clear()
        offsets = [np.empty(0, np.int64)]
        after: str | None = None
        while page := state.items(after=after, limit=_PAGE):
            shown = [(item, known) for item, known in page if not known.hidden]
            self._put([item for item, _ in shown], [known for _, known in shown])
            offsets.append(np.array([known.updated_offset for _, known in shown], np.int64))
            after = page[-1][0]
        self._rows.arrange(np.concatenate(offsets))  # nothing was removed: rows are in order

    def follow(self) -> int:
        """Take in what the log has beyond the last call; how many events that were.

        Reads one page: call again while it returns some.
        """
        head = self._log.head()
        if head <= self._offset:
            return 0
        records = self._log.read(self._offset, limit=_TAIL, events=ABOUT_ITEMS)
        if records:
            self._apply(records)
            self._version += 1
        newest = records[-1].offset if records else self._offset
        # A short page says that there is no item up to the head: do not look at those again.
        self._offset = newest if len(records) == _TAIL else max(head, newest)
        return len(records)

    def _apply(self, records: Sequence[Record]) -> None:
        last: dict[str, Record] = {}
        for record in records:
            item = record.event.item_id
            if item is not None:
                last.pop(item, None)  # to the end, as the last to have changed
                last[item] = record
        known = {item: item_state_of(record) for item, record in last.items()}
        gone = [item for item, state in known.items() if not state.showable]
        self._rows.remove(gone)
        live = {item: state for item, state in known.items() if state.showable}
        self._put(list(live), list(live.values()))

    def _put(self, ids: list[str], states: list[ItemState]) -> None:
        rows = self._rows.put(ids)
        for name, column in self._columns.items():
            column.put(rows, [state.attributes.get(name) for state in states])
        if self._rows.n_rows > len(self._changed_us):
            more = np.zeros(2 * self._rows.n_rows, np.int64)
            more[: len(self._changed_us)] = self._changed_us
            self._changed_us = more
        self._changed_us[rows] = [state.timestamp for state in states]

    # ------------------------------------------------------------------ attributes

    def rows(self, ids: Sequence[str]) -> Int32Array:
        """(n,) int32 rows of live items; -1 for any other."""
        return self._rows.find(ids)

    def attributes(self, row: int) -> Mapping[str, Any]:
        """What filters read of the item in a row; numbers and times as numbers."""
        alone = np.array([row])
        found = {name: column.values(alone)[0] for name, column in self._columns.items()}
        return {name: value for name, value in found.items() if value is not None}

    def values(self, rows: IntArray, name: str) -> list[Any]:
        """(n,) of one attribute; None for a row that has none, and for what is not kept."""
        column = self._columns.get(name)
        return [None] * len(rows) if column is None else column.values(rows)

    def holding(self, condition: Condition, rows: IntArray) -> BoolArray:
        """(n,) whether a condition holds."""
        column = self._columns.get(condition.attribute)
        if column is None:
            return np.full(len(rows), condition.absent)
        return column.holding(condition, rows)

    def changed_us(self, rows: IntArray) -> Int64Array:
        """(n,) when each last changed, microseconds since 1970 UTC; 0 for a row -1."""
        return np.where(rows >= 0, self._changed_us[rows], 0)

    # ------------------------------------------------------------------ items

    def newest(self) -> Iterator[str]:
        """Ids of live items, most recently changed first."""
        for rows in self._rows.newest():
            yield from self._rows.named(rows)

    def matching(self, wanted: Filter, n: int | None = None) -> list[str]:
        """Ids of the items that pass, most recently changed first; at most `n` if given.

        The last few filters' answers are kept until an item changes.
        """
        version, rows = self._matches.get(wanted, (-1, None))
        if version != self._version or rows is None:
            rows = self._scanned(wanted, n)
        return self._rows.named(rows[:n])

    def _scanned(self, wanted: Filter, n: int | None) -> Int32Array:
        parts = [np.empty(0, np.int32)]
        found = 0
        for rows in self._rows.newest():
            passing = rows
            for condition in wanted.conditions:
                passing = passing[self.holding(condition, passing)]
            parts.append(passing)
            found += len(passing)
            if n is not None and found >= n:
                return np.concatenate(parts)
        whole = np.concatenate(parts)
        self._matches[wanted] = (self._version, whole)
        for old in list(islice(self._matches, max(0, len(self._matches) - _KEPT))):
            del self._matches[old]
        return whole
