"""Serendipity: shown items that are relevant and unlike what the user already had.

    serendipity@k(u) = mean over the items i among the first k of
                       (1 - mean similarity of i to the items of u's history) relevance(u, i)

relevance is 1 for a hit and 0 for a miss when the slates know the ranking, and 1 for every
item when they do not. A user without history is surprised by everything (similarity 0; in
`recommenders.serendipity` such users are left out); a user without a list gives 0.

The user knows item 0. Item 1 is 0.7071 like it, item 2 not at all; both count as relevant:

>>> import numpy as np
>>> from scipy.sparse import csr_array
>>> from palate.data import Histories
>>> from palate.metrics import Cosine, Slates
>>> genres = csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
>>> knows_0 = Histories.from_entries(
...     np.array([0], np.int32), np.array([0], np.int32), np.ones(1, np.float32),
...     np.zeros(1, np.int64), n_users=1, n_items=3,
... )
>>> slates = Slates(np.array([[1, 2]], np.int32), knows_0, similarity=Cosine(genres))
>>> serendipity(slates, 2).round(4).tolist()
[0.6464]

Range 0 to 1 where similarities are, higher is better.

Source: Zhang, Ó Séaghdha, Quercia and Jambor (2012), Auralist: introducing serendipity into
music recommendation, WSDM, with relevance as in `recommenders.serendipity`.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.similarity import total_similarity
from palate.metrics.slates import Slates
from palate.types import Float64Array

__all__ = ["serendipity"]


def serendipity(slates: Slates, k: int) -> Float64Array:
    """(n_users,) float64, mean relevant unlikeness to the history of the first `k`.

    Raises:
        DataError: The slates have no similarity.
    """
    indptr, members = slates.seen
    shown = slates.shown(k)
    alike = total_similarity(slates.similarity, shown, indptr, members)
    # A mean of similarities may be a hair above 1 by rounding.
    unlike = np.maximum(1.0 - alike / np.maximum(np.diff(indptr), 1)[:, None], 0.0)
    if slates.ranking is not None:
        unlike = unlike * slates.ranking.hits_at(k)
    return slates.mean_shown(unlike, k, empty=0.0)
