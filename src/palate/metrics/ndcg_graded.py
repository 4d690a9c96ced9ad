"""NDCG at k, graded: a place is worth 2^grade - 1, so a 5-star hit outweighs several 3s.

    gain(g)          = 2^g - 1
    DCG@k(u)         = sum over places i = 1 .. k of gain(grade of the hit at i) / log2(i + 1)
    IDCG@k(u)        = the same over the user's relevant items, best grade first, cut at k
    ndcg_graded@k(u) = DCG@k(u) / IDCG@k(u)

A miss gains 0. A user whose grades are all 0 gives 0. With all grades 1 it is `ndcg`.

Grades 1 and 2 found in the wrong order: (1 + 3/log2(3)) / (3 + 1/log2(3)):

>>> import numpy as np
>>> from palate.metrics import Ranking, Relevant
>>> relevant = Relevant.from_pairs(
...     np.zeros(2, int), np.array([3, 7]), np.array([1.0, 2.0]), n_users=1
... )
>>> ndcg_graded(Ranking(np.array([[3, 7]], np.int32), relevant), 2).round(4).tolist()
[0.7967]

Range 0 to 1, higher is better.

Source: Burges et al. (2005), Learning to rank using gradient descent, ICML, for the gain and
the discount; `recommenders.ndcg_at_k(score_type="exp")` is the same on lists without ties.
"""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.metrics.ndcg import discounts
from palate.metrics.ranking import Ranking
from palate.types import Float64Array

__all__ = ["ndcg_graded"]

MAX_GRADE = 64.0


def ndcg_graded(ranking: Ranking, k: int) -> Float64Array:
    """(n_users,) float64 graded NDCG of the first `k`; NaN without relevant items.

    Raises:
        DataError: The truth has no grades, or a grade is negative or above 64.
    """
    hits = ranking.hits_at(k)
    gains = _gains(ranking)
    # A miss points to the entry -1, the last one, whose gain the mask leaves out.
    gained = np.where(hits, gains[ranking.entries[:, :k]], 0.0) if len(gains) else hits * 0.0
    dcg = gained @ discounts(hits.shape[1])
    ideal = _ideal(ranking, gains, k)
    ratio = np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)
    return ranking.over_judged(ratio)


def _gains(ranking: Ranking) -> Float64Array:
    grades = ranking.relevant.grades
    if grades is None:
        raise DataError("graded NDCG needs grades", hint="use ndcg, or give the truth values")
    if len(grades) and not (grades.min() >= 0 and grades.max() <= MAX_GRADE):
        raise DataError(
            f"grades run from {grades.min():g} to {grades.max():g}; a gain of 2^grade - 1 is "
            f"made for 0 to {MAX_GRADE:g}",
            hint="use ndcg, or bin the values into a few grades",
        )
    return np.exp2(grades.astype(np.float64)) - 1.0


def _ideal(ranking: Ranking, gains: Float64Array, k: int) -> Float64Array:
    """(n_users,) float64, the DCG of each user's relevant items in the best order."""
    users = np.repeat(np.arange(ranking.n_users), ranking.n_relevant)
    best_first = np.lexsort((-gains, users))
    place = np.arange(len(users)) - ranking.relevant.indptr[users]
    kept = place < k
    worth = gains[best_first[kept]] * discounts(k)[place[kept]]
    return np.asarray(np.bincount(users[kept], worth, ranking.n_users), np.float64)
