"""How far an index has drifted from what it was built for, and whether to build it anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.retrieval.index.kernels.scan import BLOCK
from palate.retrieval.index.local import EXACT_UP_TO, LocalIndex

__all__ = ["Drift", "Limits"]

_LOOKED_AT: Final = 50_000  # rows
_FAR: Final = 1.5  # times the distance that is usual in a list
_SEED: Final = 42


@dataclass(frozen=True, slots=True)
class Limits:
    """When to build anew.

    Attributes:
        imbalance: From which on.
        far: From which share of the rows on.
        growth: From so many times the rows a list should have on.
    """

    imbalance: float = 4.0
    far: float = 0.1
    growth: float = 3.0


@dataclass(frozen=True, slots=True)
class Drift:
    """What was measured.

    Attributes:
        rows: Items in the index.
        lists: Lists it has.
        imbalance: n sum n_l^2 / (sum n_l)^2 over the n lists and their rows n_l: how much
            longer the list of a row is than if all were equal; 1 at best (Jegou et al. 2011,
            "Searching in one billion vectors", section 2). Right after a build it is 1.2 to 2.
        far: Share of the rows that are over one and a half times as far from their list's
            centroid as rows of that list were when it was built.
        wanted: Lists that as many rows should have.
    """

    rows: int
    lists: int
    imbalance: float
    far: float
    wanted: int

    @classmethod
    def of(cls, index: LocalIndex) -> Drift:
        """Measure an index; its changes wait for some milliseconds."""
        clusters, n_lists = index.clusters, len(index.clusters.centroids)
        wanted = 1 if len(index) <= EXACT_UP_TO else len(index) // 1000
        with index.lists.searching():
            slots = index.names.slots()
            arrays = index.lists.arrays
            owner = arrays.owner[slots // BLOCK]
            if n_lists == 1 or not len(slots):
                return cls(len(slots), n_lists, 1.0, 0.0, wanted)
            counts = np.bincount(owner, minlength=n_lists).astype(np.float64)
            drawn = np.random.default_rng(_SEED).integers(0, len(slots), _LOOKED_AT)
            rows = arrays.vectors[slots[drawn]]
        lists = owner[drawn]
        return cls(
            rows=len(slots),
            lists=n_lists,
            imbalance=float(n_lists * (counts**2).sum() / counts.sum() ** 2),
            far=float((clusters.distances(rows, lists) > _FAR).mean()),
            wanted=wanted,
        )

    def reasons(self, limits: Limits | None = None) -> list[str]:
        """Why it should be built anew, in words; none when it should not."""
        most = limits or Limits()
        found = []
        if self.imbalance > most.imbalance:
            found.append(f"lists are uneven ({self.imbalance:.1f}, at most {most.imbalance:g})")
        if self.far > most.far:
            found.append(f"{self.far:.0%} of the rows are far from their list's centre")
        if self.wanted > most.growth * self.lists:
            found.append(f"{self.rows:,} rows stand in {self.lists:,} lists")
        return found
