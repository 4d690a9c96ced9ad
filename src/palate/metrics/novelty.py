"""Novelty: how surprising the shown items' popularity is, in bits.

    novelty@k(u) = mean over the items i among the first k of -log2 p(i)
    p(i)         = users who touched i in training / user-item pairs in training

One bit more means half as popular. An item that nobody touched in training counts as one
that one user touched, so that new items are as novel as the rarest rather than infinitely
so (`recommenders.novelty` adds nothing for them, which makes them look like what everybody
knows). A user without a list gives 0.

Of 4 pairs in training, 2 are of item 0 and 1 of item 1: -log2(2/4) = 1 and -log2(1/4) = 2

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> lists = np.array([[0, 1]], np.int32)
>>> novelty(Slates(lists, Histories.empty(1, 3), popularity=np.array([2, 1, 1])), 2).tolist()
[1.5]

Range 0 upwards, higher is more novel. `recommenders.novelty` averages over all places of all
lists at once, which is the same when all lists are of one length.

Source: Castells, Vargas and Wang (2011), Novelty and diversity metrics for recommender
systems: choice, discovery and relevance, ECIR workshop, equations 1 and 6.
"""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = ["novelty"]


def novelty(slates: Slates, k: int) -> Float64Array:
    """(n_users,) float64, mean self-information of the first `k` in bits; 0 without a list.

    Raises:
        DataError: Nothing at all was touched in training.
    """
    pairs = int(slates.popularity.sum())
    if not pairs:
        raise DataError("novelty needs the popularity of items, and training has no interaction")
    bits = np.log2(pairs) - np.log2(np.maximum(slates.popularity, 1))
    return slates.mean_shown(bits[slates.shown(k)], k, empty=0.0)
