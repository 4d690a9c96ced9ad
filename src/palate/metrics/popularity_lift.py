"""Popularity lift: how much more popular the shown items are than what the user had chosen.

    popularity_lift@k(u) = popularity@k(u) / mean popularity of u's history - 1

0 means the list is as mainstream as the user, 1 twice as popular, below 0 more of a niche.
It is free of the data set's size, and tells a model that follows a mainstream user from one
that drags a user with rare tastes to the charts. A user without a list or without history
is not part of the average.

The user chose items that 2 users know each on average; the list holds one that 8 know:

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> chose = Histories.from_entries(
...     np.zeros(2, np.int32), np.array([1, 2], np.int32), np.ones(2, np.float32),
...     np.zeros(2, np.int64), n_users=1, n_items=3,
... )
>>> slates = Slates(np.array([[0]], np.int32), chose, popularity=np.array([8, 3, 1]))
>>> popularity_lift(slates, 1).tolist()
[3.0]

Range -1 upwards, lower is less biased.

Source: Abdollahpouri, Mansoury, Burke and Mobasher (2019), The unfairness of popularity bias
in recommendation, RMSE workshop: delta GAP, which takes the means over groups of users; here
each user is a group of one, so that intervals and paired tests apply.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.popularity import popularity
from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = ["popularity_lift"]


def popularity_lift(slates: Slates, k: int) -> Float64Array:
    """(n_users,) float64; NaN without a list or a history."""
    indptr, items = slates.seen
    sizes = np.diff(indptr)
    owner = np.repeat(np.arange(slates.n_users), sizes)
    total = np.bincount(owner, weights=slates.popularity[items], minlength=slates.n_users)
    chosen = np.full(slates.n_users, np.nan)
    np.divide(total, sizes, out=chosen, where=total > 0)
    return np.asarray(popularity(slates, k) / chosen - 1.0, np.float64)
