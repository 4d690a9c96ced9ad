"""Reciprocal rank at k; its mean over users is MRR.

    mrr@k(u) = 1 / place of the first hit among the first k, or 0 without one

It looks at one item alone, so it suits cases where one good answer ends the search, and
leave-one-out tests.

The first hit stands in place 2:

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(2, int), np.array([5, 7]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> reciprocal_rank(ranking, 4).tolist()
[0.5]

Range 0 to 1, higher is better.

Source: Voorhees (1999), The TREC-8 question answering track report.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["reciprocal_rank"]


def reciprocal_rank(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 reciprocal rank within the first `k`; NaN without relevant items."""
    hits = ranking.hits_at(k)
    if hits.shape[1] == 0:
        return ranking.over_judged(np.zeros(ranking.n_users))
    first = hits.argmax(axis=1) + 1.0
    return ranking.over_judged(np.where(hits.any(axis=1), 1.0 / first, 0.0))
