"""Catalogue coverage: the share of the catalogue that anybody was shown.

    catalogue_coverage@k = distinct items among the first k of all lists / items in the catalogue

The catalogue is everything that could be shown, items that nobody has touched included;
`recommenders.catalog_coverage` divides by the items of the training part, which is the same
when every item was touched, and above 1 when new items are shown. It grows with the number
of users: compare models on the same users.

Two of four items are shown:

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> lists = np.array([[0, 1], [0, -1]], np.int32)
>>> catalogue_coverage(Slates(lists, Histories.empty(2, 4)), 2)
0.5

Range 0 to 1, higher is better.

Source: Shani and Gunawardana (2011), Evaluating recommendation systems, Recommender Systems
Handbook, section on coverage.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.slates import Slates

__all__ = ["catalogue_coverage"]


def catalogue_coverage(slates: Slates, k: int) -> float:
    """Share of the items that stand among the first `k` of some list."""
    return float(np.count_nonzero(slates.exposure(k))) / slates.n_items
