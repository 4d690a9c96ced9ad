"""Exploration: some places try a new item, with a propensity that is right by construction.

At each of its places the probabilities of all items are worked out first; then one is drawn
from them, and the very number it was drawn with is logged: the propensity is the probability of
this item at this place, given what stands above it. It is 1 at every other place, and may be 1
where a draw had but one outcome: so the places that were drawn are said as well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from palate.pipeline.rerank.thompson import chances
from palate.pipeline.stage import StageSettings
from palate.types import Float64Array, Int64Array

__all__ = ["Explore", "Explored"]


@dataclass(frozen=True, slots=True)
class Explored:
    """A slate's rows, best place first.

    Attributes:
        rows: (n,) int64.
        propensities: (n,) float64, in (0, 1].
        drawn: Places from 0, rising, whose item was drawn.
    """

    rows: Int64Array
    propensities: Float64Array
    drawn: tuple[int, ...] = ()


class Explore(StageSettings):
    """Places for items of the source `new`; stands last, for nothing may move what was drawn."""

    kind: Literal["explore"]
    slots: int = Field(default=1, ge=1, le=100, description="Places that may try a new item.")
    epsilon: float = Field(
        default=0.1, gt=0, le=1, description="Chance that such a place does; 1: always."
    )
    choice: Literal["uniform", "thompson"] = Field(
        default="uniform", description="Among new items: evenly, or by what was taken so far."
    )
    pool: int = Field(default=50, ge=1, le=1000, description="New items to choose from.")
    taken: float = Field(default=1.0, gt=0, le=1e6, description="Prior of Thompson: times taken.")
    not_taken: float = Field(default=19.0, gt=0, le=1e6, description="Prior: times not taken.")

    def places(self, k: int) -> frozenset[int]:
        """The places from 0 that may try a new item: evenly spread, the last of `k` among them."""
        slots = min(self.slots, k)
        return frozenset((at + 1) * k // slots - 1 for at in range(slots))

    def draw(
        self,
        order: Int64Array,
        pool: Int64Array,
        counts: Float64Array,
        k: int,
        rng: random.Random,
    ) -> Explored:
        """The first `k` of `order`, with new items drawn into some places.

        Args:
            order: (n,) distinct rows, best first.
            pool: (m,) distinct rows of new items, all of them in `order`.
            counts: (m, 2) times shown and times taken, for Thompson sampling.
            k: Places.
            rng: Asked once for each place that may try a new item.
        """
        rows, fresh, places = order.tolist(), pool.tolist(), self.places(k)
        slate: dict[int, float] = {}  # row to propensity, in the order of places
        tries: list[int] = []
        ahead = 0
        for place in range(min(k, len(rows))):
            while rows[ahead] in slate:
                ahead += 1
            row, propensity = rows[ahead], 1.0
            untried = [at for at, one in enumerate(fresh) if one not in slate]
            if place in places and untried:
                choices = [row, *(fresh[at] for at in untried)]
                weights = [1.0 - self.epsilon, *self._of_new(counts[untried]).tolist()]
                drawn = rng.choices(choices, weights)[0]
                whole = sum(weights)
                hit = sum(w for c, w in zip(choices, weights, strict=True) if c == drawn)
                row, propensity = drawn, hit / whole
                tries.append(place)
            slate[row] = propensity
        propensities = np.array(list(slate.values()))
        return Explored(np.array(list(slate), np.int64), propensities, tuple(tries))

    def _of_new(self, counts: Float64Array) -> Float64Array:
        """(m,) that add up to epsilon: the chance of each new item at one place."""
        if self.choice == "thompson":
            return self.epsilon * chances(counts, self.taken, self.not_taken)
        return np.full(len(counts), self.epsilon / len(counts))
