"""How many lists a search scans, by how many items it is to find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from palate.types import Int32Array

__all__ = ["DEPTHS", "Probes"]

DEPTHS = (10, 100, 500, 2000, 10_000)  # at which recall is measured when an index is built


_ROUNDING: Final = 1e-6  # of logarithms there and back


class Probes(NamedTuple):
    """Lists by depth, rising.

    Attributes:
        depths: How many items are to be found.
        lists: How many lists it takes.
    """

    depths: tuple[int, ...]
    lists: tuple[int, ...]

    @classmethod
    def always(cls, lists: int) -> Self:
        """So many at any depth."""
        return cls((1,), (lists,))

    @classmethod
    def measured(cls, ranks: Sequence[Int32Array], recall: float) -> Self:
        """As few as hold the wanted share of what is nearest.

        Args:
            ranks: Of each query: (depth,) the place, in the order of its lists, of the list
                that holds its nearest item, its second, and so on.
            recall: The share, from 0 to 1.
        """
        deepest = min(len(one) for one in ranks)
        depths = [depth for depth in DEPTHS if depth < deepest] + [deepest]
        lists: list[int] = []
        for depth in depths:
            places = np.sort(np.concatenate([one[:depth] for one in ranks]))
            needed = int(places[math.ceil(recall * len(places)) - 1]) + 1
            lists.append(max(needed, *lists) if lists else needed)
        return cls(tuple(depths), tuple(lists))

    def at(self, depth: float) -> int:
        """Lists for any depth: between two that were measured by their logarithms."""
        if len(self.depths) == 1 or depth <= self.depths[0]:
            return self.lists[0]
        after = next(
            (at for at, one in enumerate(self.depths) if one >= depth), len(self.depths) - 1
        )
        (a, b), (m, n) = self.depths[after - 1 : after + 1], self.lists[after - 1 : after + 1]
        slope = math.log(n / m) / math.log(b / a)
        if depth > b:  # further out each item may stand in a list of its own
            m, a, slope = n, b, 1.0
        exact = m * math.exp(slope * math.log(depth / a))
        return math.ceil(exact - _ROUNDING)
