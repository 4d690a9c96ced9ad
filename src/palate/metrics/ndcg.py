"""NDCG at k, binary: hits count less further down, against the best possible list.

    DCG@k(u)  = sum over places i = 1 .. k of hit(u, i) / log2(i + 1)
    IDCG@k(u) = sum over places i = 1 .. min(k, n_relevant(u)) of 1 / log2(i + 1)
    ndcg@k(u) = DCG@k(u) / IDCG@k(u)

The ideal list is cut at k as well, so a user with more than k relevant items can reach 1.
The base of the logarithm cancels out.

Hits in places 1 and 3 of 4, two relevant items: (1 + 1/2) / (1 + 1/log2(3)):

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(2, int), np.array([3, 7]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> ndcg(ranking, 4).round(4).tolist()
[0.9197]

Range 0 to 1, higher is better.

Source: Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques,
ACM TOIS 20; the discount log2(i + 1) is that of Burges et al. (2005), Learning to rank using
gradient descent, ICML.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["discounts", "ndcg"]


def ndcg(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 binary NDCG of the first `k`; NaN without relevant items."""
    hits = ranking.hits_at(k)
    dcg = hits @ discounts(hits.shape[1])
    # Indexed by the number of relevant items; the first is for users who are masked anyway.
    ideal = np.concatenate(([1.0], np.cumsum(discounts(k))))
    return ranking.over_judged(dcg / ideal[np.minimum(ranking.n_relevant, k)])


def discounts(k: int) -> Float64Array:
    """(k,) float64, 1 / log2(i + 1) for places i = 1 .. k."""
    return 1.0 / np.log2(np.arange(2, k + 2, dtype=np.float64))
