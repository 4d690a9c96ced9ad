"""Interactions as arrays, one row each, and the same sorted by person and time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

import numpy as np

from palate.events.log.interactions import Interactions
from palate.features.keys import ANONYMOUS, USER
from palate.features.user_state import UserState
from palate.types import Int32Array, Int64Array

__all__ = ["Identified", "Rows", "visitor_name"]

_VISITOR: Final = "\N{START OF HEADING}"  # before a visitor's id: no id has a control character
_BLOCK: Final = 100_000  # rows that are made Python objects at once


class Identified(NamedTuple):
    """A visitor who was identified: at which offsets and as whom, oldest first.

    Attributes:
        offsets: Of the events `user.identified`.
        users: Whom each of them names.
        before: Whom the visitor was linked to before the first; None for nobody.
        left: What the visitor did before the rows at hand; goes to the first of `users`.
    """

    offsets: list[int]
    users: list[str]
    before: str | None
    left: UserState | None


class _Columns(NamedTuple):
    """(n_rows,) each; texts are numbers, a value of None is NaN (which no event has)."""

    arrived: Int64Array  # the offset at which the row came to its person
    person: Int32Array
    item: Int32Array
    kind: Int32Array
    time: Int64Array  # microseconds since 1970 UTC
    value: np.ndarray[tuple[int], np.dtype[np.float64]]


_NO_CODES: Final = np.empty(0, np.int32)
_NO_TIMES: Final = np.empty(0, np.int64)
_NONE: Final = _Columns(_NO_TIMES, _NO_CODES, _NO_CODES, _NO_CODES, _NO_TIMES, np.empty(0))


def visitor_name(anonymous_id: str) -> str:
    """What a visitor is called among the people of `Rows`: never as a user is."""
    return _VISITOR + anonymous_id


class Rows:
    """Collects rows in the order of the log; then gives them person by person."""

    def __init__(self) -> None:
        self._people = _numbers()
        self._items = _numbers()
        self._kinds = _numbers()
        self._parts: list[_Columns] = []

    def add(self, found: Interactions) -> None:
        """Take in rows that are newer than those before."""
        who: Sequence[str] = [
            visitor_name(visitor or "") if user is None else user
            for user, visitor in zip(found.user_ids, found.anonymous_ids, strict=True)
        ]
        self._parts.append(
            _Columns(
                np.array(found.offsets, np.int64),
                _coded(self._people, who),
                _coded(self._items, found.item_ids),
                _coded(self._kinds, found.events),
                np.array(found.timestamps, np.int64),
                np.array(found.values, np.float64),
            )
        )

    def visitors(self) -> list[str]:
        """Anonymous ids of those who have rows of their own."""
        return [name[1:] for name in self._people if name.startswith(_VISITOR)]

    def by_person(
        self, links: dict[str, str], identified: dict[str, Identified], limit: int
    ) -> Iterator[list[tuple[bytes, UserState]]]:
        """Key and last `limit` rows of each person, by key; in blocks.

        `updated_offset` of a state is the newest offset at which a row came to the person,
        whether the row is among the last or not.

        Args:
            links: Visitor to user, for rows of visitors who were identified before all rows.
            identified: Visitors who were identified in between.
            limit: Rows kept per person.
        """
        columns = self._columns(identified)
        if len(columns.time) == 0:
            return
        columns, moved = self._resolved(columns, links, identified)
        keys = [
            ANONYMOUS + name[1:].encode() if name[0] == _VISITOR else USER + name.encode()
            for name in self._people
        ]
        place = np.empty(len(keys), np.int32)  # of a person in the order of keys
        place[np.array(sorted(range(len(keys)), key=keys.__getitem__))] = np.arange(len(keys))
        owner = place[columns.person]
        order = _order(owner, columns, moved=moved)
        owner = owner[order]
        starts = np.append(0, np.flatnonzero(owner[1:] != owner[:-1]) + 1)
        people = owner[starts]
        ends = np.append(starts[1:], len(order))
        newest = np.maximum.reduceat(columns.arrived[order], starts)
        firsts = np.maximum(starts, ends - limit)
        keys.sort()
        texts = _Texts(list(self._items), list(self._kinds))
        for first, last in _blocks(starts, ends):
            base = int(starts[first])
            block = texts.lists(columns, order[base : ends[last - 1]])
            yield [
                (keys[person], block.state(start - base, end - base, offset))
                for person, start, end, offset in zip(
                    people[first:last].tolist(),
                    firsts[first:last].tolist(),
                    ends[first:last].tolist(),
                    newest[first:last].tolist(),
                    strict=True,
                )
            ]

    def _columns(self, identified: dict[str, Identified]) -> _Columns:
        """All rows as one table; first those that identified visitors brought along."""
        parts = [
            self._brought(seen.left, seen.offsets[0], seen.users[0])
            for seen in identified.values()
            if seen.left is not None
        ]
        parts += self._parts
        self._parts = []
        columns = [list(column) for column in zip(*parts, strict=True)] if parts else []
        parts.clear()
        whole = [np.concatenate(columns.pop(0)) for _ in range(len(columns))]  # one at a time
        return _Columns(*whole) if whole else _NONE

    def _brought(self, left: UserState, offset: int, user: str) -> _Columns:
        n = len(left.timestamps)
        return _Columns(
            np.full(n, offset, np.int64),
            np.full(n, self._people[user], np.int32),
            _coded(self._items, left.item_ids),
            _coded(self._kinds, left.events),
            np.array(left.timestamps, np.int64),
            np.array(left.values, np.float64),
        )

    def _resolved(
        self, columns: _Columns, links: dict[str, str], identified: dict[str, Identified]
    ) -> tuple[_Columns, bool]:
        """Visitors' rows given to the users that they were; whether any came late to one."""
        seen_as = {self._people[visitor_name(v)]: s for v, s in identified.items()}
        users = {v: self._people[user] for v, user in links.items()}
        for seen in identified.values():
            for user in (*seen.users, *([] if seen.before is None else [seen.before])):
                self._people[user]  # gives a number to one without rows
        owner_of = np.arange(len(self._people), dtype=np.int32)
        for visitor, number in users.items():
            owner_of[self._people[visitor_name(visitor)]] = number
        owner = owner_of[columns.person]
        if not seen_as:
            return columns._replace(person=owner), False
        late = np.zeros(len(self._people), bool)
        late[list(seen_as)] = True
        arrived = columns.arrived.copy()
        for row in np.flatnonzero(late[columns.person]).tolist():
            seen = seen_as[int(columns.person[row])]
            before = bisect_left(seen.offsets, int(arrived[row]))
            if before:
                owner[row] = self._people[seen.users[before - 1]]
            elif seen.before is not None:
                owner[row] = self._people[seen.before]
            else:
                owner[row], arrived[row] = self._people[seen.users[0]], seen.offsets[0]
        return columns._replace(person=owner, arrived=arrived), True


class _Texts:
    """Numbers back to texts, a block at a time."""

    def __init__(self, items: list[str], kinds: list[str]) -> None:
        self._items = np.array(items, object)
        self._kinds = np.array(kinds, object)

    def lists(self, columns: _Columns, rows: Int64Array) -> _Block:
        values = columns.value[rows]
        return _Block(
            self._items[columns.item[rows]].tolist(),
            self._kinds[columns.kind[rows]].tolist(),
            [None if value != value else value for value in values.tolist()],
            columns.time[rows].tolist(),
        )


class _Block(NamedTuple):
    items: list[str]
    kinds: list[str]
    values: list[float | None]
    times: list[int]

    def state(self, start: int, end: int, offset: int) -> UserState:
        part = slice(start, end)
        return UserState(
            updated_offset=offset,
            item_ids=self.items[part],
            events=self.kinds[part],
            values=self.values[part],
            timestamps=self.times[part],
        )


def _numbers() -> defaultdict[str, int]:
    """Texts to numbers, from 0, as they come."""
    return defaultdict(count().__next__)


def _coded(numbers: defaultdict[str, int], texts: Sequence[str]) -> Int32Array:
    return np.fromiter(map(numbers.__getitem__, texts), np.int32, len(texts))


def _order(owner: Int32Array, columns: _Columns, *, moved: bool) -> Int64Array:
    """Rows by owner, then time, then arrival, then as they stand."""
    if moved:
        return np.lexsort((columns.arrived, columns.time, owner))
    if (columns.time[1:] >= columns.time[:-1]).all():
        return np.argsort(owner, kind="stable")
    return np.lexsort((columns.time, owner))


def _blocks(starts: Int64Array, ends: Int64Array) -> Iterator[tuple[int, int]]:
    """People `first` up to `last` whose rows come to about `_BLOCK`, one person at least."""
    first = 0
    while first < len(starts):
        last = int(np.searchsorted(ends, starts[first] + _BLOCK, side="right"))
        last = max(last, first + 1)
        yield first, last
        first = last
