"""R-precision: precision after as many places as the user has relevant items.

    r_precision@k(u) = hits among the first min(R, k) / R,    R = n_relevant(u)

At place R precision and recall are equal, so one number says both, and every user can
reach 1 however many relevant items there are, as long as k is not below R. Lists end at k;
places between k and R count as misses.

Two relevant items, so two places are looked at, and one holds a hit; the hit in the third
place comes too late:

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(2, int), np.array([3, 7]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> r_precision(ranking, 4).tolist()
[0.5]

Range 0 to 1, higher is better.

Source: Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval,
section 8.4. `recommenders.r_precision_at_k` leaves users without a single hit out of its
mean, which raises it; here they count zero.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["r_precision"]


def r_precision(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64, hits in the first min(R, k) over R; NaN without relevant items."""
    hits = ranking.hits_at(k)
    in_time = np.arange(hits.shape[1]) < ranking.n_relevant[:, None]
    return ranking.per_relevant((hits & in_time).sum(axis=1))
