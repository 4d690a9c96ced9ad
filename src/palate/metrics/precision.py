"""Precision at k: the share of the k places that went to relevant items.

    precision@k(u) = hits among the first k / k

The divisor is k even where the list is shorter: an empty place is a wasted one. So a model
cannot gain by recommending less, and the most a user with fewer than k relevant items can
give is n_relevant / k.

A list of three has two hits; the fourth place is empty:

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(3, int), np.array([3, 7, 9]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> precision(ranking, 4).tolist()
[0.5]

Range 0 to 1, higher is better.

Source: Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval,
section 8.4.
"""

from __future__ import annotations

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["precision"]


def precision(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 precision of the first `k`; NaN without relevant items."""
    return ranking.over_judged(ranking.hits_at(k).sum(axis=1) / k)
