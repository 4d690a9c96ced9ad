"""Gini index of exposure: how unequally the places of all lists are shared among items.

    gini@k = sum over j = 1 .. n of (2 j - n - 1) p(j) / (n - 1)

where p(1) <= ... <= p(n) are the shares of all filled places that go to each of the n items
of the catalogue, those never shown included. 0 when all items are shown equally often, 1
when one item takes every place.

Shares 0, 1/4, 1/4, 1/2: (-3 x 0 - 1/4 + 1/4 + 3 x 1/2) / 3

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> lists = np.array([[0, 1], [0, 2]], np.int32)
>>> gini(Slates(lists, Histories.empty(2, 4)), 2)
0.5

Range 0 to 1, lower is more equal; NaN when nothing was shown, 0 in a catalogue of one item.

Source: Shani and Gunawardana (2011), Evaluating recommendation systems, Recommender Systems
Handbook, section on coverage (Gini index).
"""

from __future__ import annotations

import numpy as np

from palate.metrics.slates import Slates

__all__ = ["gini"]


def gini(slates: Slates, k: int) -> float:
    """Gini index of the items' exposure among the first `k`; NaN when nothing was shown."""
    exposure = np.sort(slates.exposure(k))
    n, total = len(exposure), int(exposure.sum())
    if not total:
        return float("nan")
    if n == 1:
        return 0.0
    place = 2.0 * np.arange(1, n + 1) - n - 1
    return float(place @ (exposure / total)) / (n - 1)
