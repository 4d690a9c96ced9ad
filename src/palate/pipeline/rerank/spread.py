"""Spread: of each value of an attribute (a dealer, an author) only so many stand together."""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.stage import Asked, Ranking, StageSettings
from palate.types import Int64Array

__all__ = ["Spread"]

_FREE: Final = object()  # the value of items without the attribute: they are never too many


class Spread(StageSettings):
    """At most `most` items of one value within any `window` places."""

    kind: Literal["spread"]
    attribute: str = Field(description="A category; of a list of values the first counts.")
    most: int = Field(default=2, ge=1, description="Items of one value.")
    window: int | None = Field(
        default=None,
        ge=2,
        description="Places in a row that are looked at; all that are asked for.",
    )

    def rerank(self, ranking: Ranking, asked: Asked) -> Ranking:
        """Each place goes to the first item whose value has room; if none has, to the first.

        Items whose score is unknown stay behind: variety is no reason to show them first.
        """
        window = asked.k if self.window is None else self.window
        order = ranking.order
        known = len(order) - int(np.isnan(ranking.keys[order]).sum())
        first = self._spread(ranking, order[:known], asked.k + asked.k // 2, window)
        return Ranking(ranking.candidates, np.concatenate((first, order[known:])), ranking.keys)

    def _spread(self, ranking: Ranking, order: Int64Array, places: int, window: int) -> Int64Array:
        """An item that finds no room waits with its like until the window has moved on."""
        attributes = ranking.candidates.attributes
        rows = order.tolist()
        places = min(places, len(rows))
        queue = _Waiting()
        standing: dict[Any, int] = {}  # value to how many there are within the window
        values: list[Any] = []  # of the places given away
        taken: list[int] = []  # places in `rows`
        next_ = 0
        while len(taken) < places:
            if len(values) >= window:
                gone = values[len(values) - window]
                standing[gone] -= 1
                if standing[gone] < self.most:
                    queue.room_for(gone)
            at, value = queue.first_with_room()
            while at < 0 and next_ < len(rows):
                value = _value(attributes[rows[next_]], self.attribute)
                if value is _FREE or standing.get(value, 0) < self.most:
                    at = next_
                else:
                    queue.add(value, next_)
                next_ += 1
            if at < 0:  # nobody has room: the rule gives way
                at, value = queue.first()
            queue.leave(value, at)
            standing[value] = standing.get(value, 0) + 1
            if standing[value] >= self.most:
                queue.no_room_for(value)
            values.append(value)
            taken.append(at)
        left = np.ones(len(rows), np.bool_)
        left[taken] = False
        return np.concatenate((order[taken], order[left]))


class _Waiting:
    """Items that found no room, by value, each with its place in the order."""

    def __init__(self) -> None:
        self._queues: dict[Any, deque[int]] = {}
        self._with_room: set[Any] = set()

    def add(self, value: Any, at: int) -> None:
        self._queues.setdefault(value, deque()).append(at)

    def room_for(self, value: Any) -> None:
        if value in self._queues:
            self._with_room.add(value)

    def no_room_for(self, value: Any) -> None:
        self._with_room.discard(value)

    def first_with_room(self) -> tuple[int, Any]:
        """The place and the value; -1 for nobody."""
        if not self._with_room:
            return -1, None
        return min((self._queues[value][0], value) for value in self._with_room)

    def first(self) -> tuple[int, Any]:
        return min((queue[0], value) for value, queue in self._queues.items())

    def leave(self, value: Any, at: int) -> None:
        queue = self._queues.get(value)
        if queue is not None and queue[0] == at:
            queue.popleft()
            if not queue:
                del self._queues[value]
                self._with_room.discard(value)


def _value(attributes: Any, name: str) -> Any:
    value = attributes.get(name)
    if type(value) is str:  # nearly always
        return value
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return value if isinstance(value, str | int | float) else _FREE
