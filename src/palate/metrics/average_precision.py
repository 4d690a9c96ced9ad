"""Average precision at k; its mean over users is MAP.

    map@k(u) = sum over hits in places i = 1 .. k of precision@i(u) / n_relevant(u)

The divisor is the number of relevant items, as in the definition of MAP, so items that the
list has no room for count as misses. Another habit, often written MAP@k, divides by
min(k, n_relevant) and lets a user with many relevant items reach 1; it is this value times
n_relevant / min(k, n_relevant) for each user (`recommenders.map_at_k`, while
`recommenders.map` is this one). The two differ several-fold where users have many relevant
items: say which one you compare.

Hits in places 1 and 3, three relevant items: (1/1 + 2/3) / 3:

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(np.zeros(3, int), np.array([3, 7, 9]), n_users=1)
>>> ranking = Ranking(np.array([[3, 5, 7, -1]], np.int32), relevant)
>>> average_precision(ranking, 4).round(4).tolist()
[0.5556]

Range 0 to 1, higher is better.

Source: Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval,
section 8.4.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["average_precision"]


def average_precision(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 average precision of the first `k`; NaN without relevant items."""
    hits = ranking.hits_at(k)
    precision_at = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return ranking.per_relevant((precision_at * hits).sum(axis=1))
