"""Average recommendation popularity (ARP): how many users know what is shown.

    popularity@k(u) = mean over the items i among the first k of
                      the number of users who touched i in training

A measure of popularity bias: the higher, the more the model repeats what is popular anyway.
In users, so compare it within one data set only; `popularity_lift` compares across. A user
without a list is not part of the average.

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> lists = np.array([[0, 1], [-1, -1]], np.int32)
>>> popularity(Slates(lists, Histories.empty(2, 3), popularity=np.array([8, 4, 1])), 2).tolist()
[6.0, nan]

Range 0 upwards, lower is less biased.

Source: Yin, Cui, Li, Yao and Chen (2012), Challenging the long tail recommendation, VLDB 5;
named ARP by Abdollahpouri, Burke and Mobasher (2019), Managing popularity bias in
recommender systems with personalized re-ranking, FLAIRS.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = ["popularity"]


def popularity(slates: Slates, k: int) -> Float64Array:
    """(n_users,) float64, mean users per item of the first `k`; NaN without a list."""
    known_to = slates.popularity[slates.shown(k)].astype(np.float64)
    return slates.mean_shown(known_to, k, empty=np.nan)
