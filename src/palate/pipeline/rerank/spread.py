"""Spread: of each value of an attribute (a dealer, an author) only so many stand together."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.kernels.spread import spread_out
from palate.pipeline.stage import Asked, Ranking, StageSettings
from palate.types import Int64Array

__all__ = ["Spread"]

_SPARE: Final = 4  # places to one row more that is looked at first
_FURTHER: Final = 3  # times as many, where they leave places empty
_FREE: Final = object()  # of items without the attribute: they are never too many


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

    def warm_up(self) -> None:
        """Load the compiled loop."""
        whole = True
        spread_out(np.zeros(1, np.int64), 1, 1, 1, whole)

    def rerank(self, ranking: Ranking, asked: Asked) -> Ranking:
        """Each place goes to the first item whose value has room; if none has, to the first.

        Items whose score is unknown stay behind: variety is no reason to show them first.
        """
        window = asked.k if self.window is None else self.window
        order = ranking.order
        unknown = np.isnan(ranking.keys)
        known = len(order) - (int(unknown[order].sum()) if unknown.any() else 0)
        first = self._spread(ranking, order[:known], asked.k + asked.k // 2, window)
        return Ranking(ranking.candidates, np.concatenate((first, order[known:])), ranking.keys)

    def _spread(self, ranking: Ranking, order: Int64Array, places: int, window: int) -> Int64Array:
        """Values are looked up for a few rows first: most slates need no more."""
        places = min(places, len(order))
        codes: dict[Any, int] = {}
        coded: list[int] = []
        taken = np.empty(0, np.int64)
        ahead = places + places // _SPARE
        while len(taken) < places:
            ahead = min(ahead, len(order))
            rows = order[len(coded) : ahead].tolist()
            given = ranking.candidates.attributes.values(rows, self.attribute)
            for value in map(_value, given):
                coded.append(-1 if value is _FREE else codes.setdefault(value, len(codes)))
            whole = ahead == len(order)
            taken = spread_out(np.array(coded), places, self.most, window, whole)
            ahead *= _FURTHER
        left = np.ones(len(order), np.bool_)
        left[taken] = False
        return np.concatenate((order[taken], order[left]))


def _value(value: Any) -> Any:
    if type(value) is str:  # nearly always
        return value
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return value if isinstance(value, str | int | float) else _FREE
