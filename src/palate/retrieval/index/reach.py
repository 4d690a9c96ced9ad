"""How far from its centroid a list is expected to hold good rows, by how many items are sought.

A search goes through lists by what a good row of each may score, and ends at the first whose good
rows score less than all that it has found. What counts as good is this many standard deviations
of the list's rows. For one query a few lists are enough, for another, which stands between
clusters, it takes many: that follows from it, where a number of lists would suit neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self

import numpy as np

from palate.types import Float32Array

__all__ = ["DEPTHS", "EVERYWHERE", "Needed", "Reach"]

DEPTHS: Final = (10, 100, 500, 2000, 10_000)  # at which recall is measured when an index is built
EVERYWHERE: Final = 1e9  # standard deviations: every list is scanned
_MOST: Final = 8.0  # no row is further out, rounding aside


class Needed(NamedTuple):
    """What one query needs to find its nearest items; (n,) each, the nearest first.

    Attributes:
        scores: Of the items.
        centres: Of the centroids of their lists.
        deviations: Of the rows of their lists, in the query's direction.
    """

    scores: Float32Array
    centres: Float32Array
    deviations: Float32Array

    def of_first(self, depth: int) -> Float32Array:
        """(depth,) standard deviations by which each of the first is found among so many."""
        floor = self.scores[depth - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = (floor - self.centres[:depth]) / self.deviations[:depth]
        known: Float32Array = np.nan_to_num(needed, nan=0.0, posinf=_MOST, neginf=0.0)
        return known


class Reach(NamedTuple):
    """Standard deviations by depth.

    Attributes:
        depths: How many items are to be found, rising.
        deviations: How many standard deviations it takes.
    """

    depths: tuple[int, ...]
    deviations: tuple[float, ...]

    @classmethod
    def always(cls, deviations: float) -> Self:
        """So many at any depth."""
        return cls((1,), (deviations,))

    @classmethod
    def measured(cls, needed: Sequence[Needed], recall: float) -> Self:
        """As few as find the wanted share of what is nearest.

        Args:
            needed: Of each query of a sample.
            recall: The share, from 0 to 1.
        """
        deepest = min(len(one.scores) for one in needed)
        depths = [depth for depth in DEPTHS if depth < deepest] + [deepest]
        deviations: list[float] = []
        for depth in depths:
            each = np.sort(np.concatenate([one.of_first(depth) for one in needed]))
            least = float(each[math.ceil(recall * len(each)) - 1])
            deviations.append(min(max(least, 0.0), _MOST))
        return cls(tuple(depths), tuple(deviations))

    def at_least(self, deviations: float) -> Self:
        """The same with so many deviations at any depth."""
        return self._replace(deviations=tuple(max(one, deviations) for one in self.deviations))

    def at(self, depth: float) -> float:
        """Standard deviations for any depth: between two that were measured by logarithms."""
        if len(self.depths) == 1:
            return self.deviations[0]
        return _between(self, depth)


@lru_cache(maxsize=256)  # most searches are as deep as the one before
def _between(reach: Reach, depth: float) -> float:
    known = np.log(reach.depths)
    return float(np.interp(math.log(max(depth, 1.0)), known, reach.deviations))
