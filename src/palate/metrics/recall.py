"""Recall at k: the share of a user's relevant items that the first k places found.

    recall@k(u) = hits among the first k / n_relevant(u)

A user with more than k relevant items cannot reach 1; that ceiling is left as it is.

Two of three relevant items are found:

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(3, int), np.array([3, 7, 9]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> recall(ranking, 4).round(4).tolist()
[0.6667]

Range 0 to 1, higher is better.

Source: Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval,
section 8.3.
"""

from __future__ import annotations

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["recall"]


def recall(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 recall of the first `k`; NaN without relevant items."""
    return ranking.per_relevant(ranking.hits_at(k).sum(axis=1))
