"""Hit rate at k: whether the first k places hold at least one relevant item.

    hit_rate@k(u) = 1 if there is a hit among the first k, else 0

With one relevant item a user (leave-one-out) it equals recall.

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.array([0, 1]), np.array([7, 7]), n_users=2)
>>> ranking = Ranking(np.array([[3, 5, 7], [3, 5, -1]], np.int32), relevant)
>>> hit_rate(ranking, 3).tolist()
[1.0, 0.0]

Range 0 to 1, higher is better.

Source: Deshpande and Karypis (2004), Item-based top-N recommendation algorithms, ACM TOIS 22.
"""

from __future__ import annotations

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["hit_rate"]


def hit_rate(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64, 1 or 0 for the first `k`; NaN without relevant items."""
    return ranking.over_judged(ranking.hits_at(k).any(axis=1).astype("float64"))
