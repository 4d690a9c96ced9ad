"""Intra-list diversity: how unlike each other the items of one list are.

    diversity@k(u) = 1 - mean similarity over all pairs of different places among the first k

The similarity is the caller's: co-occurrence (people who like this like that) or features
(same genre). The two say different things; compare values only under the same one. A list
with fewer than two items has no pair and gives 0, so a model cannot look diverse by showing
one item (`recommenders.diversity` leaves such users out). An item named twice is like itself.

Items 0 and 1 share one of two genres, item 2 shares none with them: 1 - (0.7071 + 0 + 0) / 3

>>> import numpy as np
>>> from scipy.sparse import csr_array
>>> from palate.data import Histories
>>> from palate.metrics import Cosine, Slates
>>> genres = csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
>>> lists = np.array([[0, 1, 2]], np.int32)
>>> diversity(Slates(lists, Histories.empty(1, 3), similarity=Cosine(genres)), 3).round(4).tolist()
[0.7643]

Range 0 to 1 where similarities are, higher is better up to the point where relevance suffers.

Source: Ziegler, McNee, Konstan and Lausen (2005), Improving recommendation lists through
topic diversification, WWW; Zhang et al. (2012), Auralist, WSDM, equation 3.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.similarity import total_similarity
from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = ["diversity"]


def diversity(slates: Slates, k: int) -> Float64Array:
    """(n_users,) float64, one minus the mean similarity of pairs among the first `k`.

    Raises:
        DataError: The slates have no similarity.
    """
    shown = slates.shown(k)
    users, places = np.nonzero(shown >= 0)
    counts = np.bincount(users, minlength=slates.n_users)
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    members = shown[users, places]
    to_all = total_similarity(slates.similarity, shown, indptr, members).sum(axis=1)
    # Each item once: a few thousand distinct ones fill many times as many places.
    distinct, which = np.unique(members, return_inverse=True)
    to_self = np.asarray(slates.similarity(distinct, distinct), np.float64)[which]
    alike = to_all - np.bincount(users, weights=to_self, minlength=slates.n_users)
    pairs = counts * (counts - 1)  # ordered, as in the two sums
    mean = np.ones(slates.n_users)
    np.divide(alike, pairs, out=mean, where=pairs > 0)
    return np.maximum(1.0 - mean, 0.0)  # rounding may put equal items a hair above 1
