"""Attributes of candidates: those that were read, or what memory tells when it is asked.

Most requests look at one attribute of a few dozen of their candidates. So nothing is looked up
for all of them until a filter or a reranker wants it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from palate.pipeline.filter import Condition
from palate.pipeline.parts import Remembered
from palate.types import BoolArray, Int64Array

__all__ = ["Read", "Recalled"]

_UNASKED: Final = -2  # memory was not asked yet where the item stands


class Read:
    """As the store had them.

    Args:
        known: Of each item.
        changed_us: (n,) int64: when each last changed, microseconds since 1970 UTC, 0: unknown;
            None where that is known of none.
    """

    def __init__(
        self, known: Sequence[Mapping[str, Any]], changed_us: Int64Array | None = None
    ) -> None:
        self._known = known
        self._changed_us = changed_us

    def __len__(self) -> int:
        return len(self._known)

    def of(self, row: int) -> Mapping[str, Any]:
        """All that is known of one."""
        return self._known[row]

    def values(self, rows: Sequence[int], name: str) -> list[Any]:
        """(len(rows),) of one attribute."""
        return [self._known[row].get(name) for row in rows]

    def holding(self, condition: Condition) -> BoolArray:
        """(n,) whether the condition holds, or nothing is known of the item."""
        return np.array([not one or condition.holds(one) for one in self._known], np.bool_)

    def changed_us(self) -> Int64Array:
        """(n,) when each last changed, microseconds since 1970 UTC; 0: unknown."""
        return np.zeros(len(self), np.int64) if self._changed_us is None else self._changed_us

    def remembered(self, rows: Sequence[int] | Int64Array) -> BoolArray:
        """(len(rows),) False: the store was asked, not memory."""
        return np.zeros(len(rows), np.bool_)

    def with_read(self, read: Mapping[int, Mapping[str, Any]]) -> Read:
        """With all that the store said of some rows since; times of change stay."""
        known = list(self._known)
        for row, attributes in read.items():
            known[row] = attributes
        return Read(known, self._changed_us)

    def take(self, rows: Sequence[int]) -> Read:
        """Of these rows, in their order."""
        changed = self._changed_us
        if changed is not None:
            changed = changed[np.asarray(rows, np.int64)]
        return Read([self._known[row] for row in rows], changed)


class Recalled:
    """As memory has them, asked when somebody looks; what was read since comes first.

    Args:
        ids: Of the candidates.
        memory: Is asked in the thread that changes it, within one request.
        read: What the store said of some rows.
    """

    def __init__(
        self,
        ids: Sequence[str],
        memory: Remembered,
        read: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> None:
        self._ids = ids
        self._memory = memory
        self._read = read or {}
        self._places = np.full(len(ids), _UNASKED, np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def of(self, row: int) -> Mapping[str, Any]:
        """All that is known of one."""
        if row in self._read:
            return self._read[row]
        (place,) = self._located([row]).tolist()
        return self._memory.attributes(place) if place >= 0 else {}

    def values(self, rows: Sequence[int], name: str) -> list[Any]:
        """(len(rows),) of one attribute."""
        found = self._memory.values(self._located(rows), name)
        if self._read:
            for at, row in enumerate(rows):
                if row in self._read:
                    found[at] = self._read[row].get(name)
        return found

    def holding(self, condition: Condition) -> BoolArray:
        """(n,) whether the condition holds, or nothing is known of the item."""
        places = self._located(range(len(self)))
        holds = self._memory.holding(condition, places) | (places < 0)
        for row, attributes in self._read.items():
            holds[row] = not attributes or condition.holds(attributes)
        return holds

    def changed_us(self) -> Int64Array:
        """(n,) when each last changed, microseconds since 1970 UTC; 0: unknown."""
        return self._memory.changed_us(self._located(range(len(self))))

    def take(self, rows: Sequence[int]) -> Recalled:
        """Of these rows, in their order."""
        read = None
        if self._read:  # seldom
            read = {at: self._read[row] for at, row in enumerate(rows) if row in self._read}
        taken = Recalled(list(map(self._ids.__getitem__, rows)), self._memory, read)
        taken._places = self._places[np.asarray(rows, np.int64)]
        return taken

    def remembered(self, rows: Sequence[int] | Int64Array) -> BoolArray:
        """(len(rows),) whether memory holds the item as a live one."""
        found: BoolArray = self._located(rows) >= 0
        return found

    def with_read(self, read: Mapping[int, Mapping[str, Any]]) -> Recalled:
        """With all that the store said of some rows since; times of change stay."""
        told = Recalled(self._ids, self._memory, {**self._read, **read})
        told._places = self._places
        return told

    def _located(self, rows: Sequence[int] | Int64Array) -> Int64Array:
        """(len(rows),) where memory has each; -1 for what it does not know."""
        wanted = np.asarray(rows, np.int64)
        places = self._places[wanted]
        unasked = wanted[places == _UNASKED]
        if len(unasked):
            self._places[unasked] = self._memory.rows([self._ids[row] for row in unasked.tolist()])
            places = self._places[wanted]
        return places
