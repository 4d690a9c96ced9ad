"""GAUC: AUC within each user, averaged with the user's impressions as weight.

    gauc = sum over users of n(u) auc(u) / sum over users of n(u)

n(u) is the number of scored rows of the user. A user whose labels are all alike has no AUC
and is left out, weight and all. Within a user only the order of that user's items matters,
which is what a ranker is for: a model that scores every item of a user alike gives 0.5,
however well it tells active users from others. NaN scores sink below all others.

User 1 is ranked right (2 rows), user 2 is ranked wrong in one pair of two (3 rows), user 3
has no negative: (2 x 1 + 3 x 1/2) / 5

>>> users = np.array([1, 1, 2, 2, 2, 3])
>>> gauc(users, [1, 0, 1, 0, 0, 1], [0.9, 0.1, 0.5, 0.7, 0.2, 0.8])
0.7

Range 0 to 1, higher is better.

Source: Zhu et al. (2017), Optimized cost per click in Taobao display advertising, KDD; Zhou
et al. (2018), Deep interest network for click-through rate prediction, KDD, where the
average weighted by impressions is the main offline metric.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from palate.errors import DataError
from palate.metrics.labelled import labelled, sunk
from palate.metrics.ranks import ranks_within
from palate.types import Float64Array, Int64Array

__all__ = ["auc_by_user", "gauc"]


def gauc(users: Int64Array, labels: ArrayLike, scores: ArrayLike) -> float:
    """Impression-weighted mean of per-user AUC.

    Args:
        users: (n,) any integers, equal for rows of one user.
        labels: (n,) of 0 and 1.
        scores: (n,) float, higher is better.

    Raises:
        DataError: Lengths differ, there are none, or no user has both labels.
    """
    values, impressions = auc_by_user(users, labels, scores)
    counted = ~np.isnan(values)
    if not counted.any():
        raise DataError("GAUC needs a user with both labels; there is none")
    return float(np.average(values[counted], weights=impressions[counted]))


def auc_by_user(
    users: Int64Array, labels: ArrayLike, scores: ArrayLike
) -> tuple[Float64Array, Int64Array]:
    """AUC and impressions of each distinct user, in ascending order of `users`.

    Returns:
        (n_users,) float64 AUC, NaN for users with one class only, and (n_users,) int64 rows:
        `stats.bootstrap_mean(values, weights=rows)` is GAUC with its interval.

    Raises:
        DataError: Lengths differ or there are none.
    """
    positive, values = labelled(labels, scores)
    if users.shape != positive.shape:
        raise DataError(f"users have shape {users.shape} and labels {positive.shape}")
    _, rows, impressions = np.unique(users, return_inverse=True, return_counts=True)
    ranks = ranks_within(rows, sunk(values))
    n_users = len(impressions)
    n_positive = np.bincount(rows, weights=positive, minlength=n_users)
    n_negative = impressions - n_positive
    rank_sum = np.bincount(rows, weights=ranks * positive, minlength=n_users)
    excess = rank_sum - n_positive * (n_positive + 1) / 2
    pairs = n_positive * n_negative
    found = np.divide(excess, pairs, out=np.full(n_users, np.nan), where=pairs > 0)
    return found, impressions.astype(np.int64)
