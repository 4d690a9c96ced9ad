"""Distributional coverage: how evenly exposure spreads over items, as entropy in bits.

    distributional_coverage@k = - sum over shown items i of p(i) log2 p(i)
    p(i) = times i stands among the first k / places filled in all lists

2 to this power is the number of items that, shown equally often, would give the same
entropy: 8 bits are like 256 items. Everybody being shown one item gives 0, as does nobody
being shown anything.

Item 0 fills two of four places, items 1 and 2 one each: 0.5 x 1 + 2 x 0.25 x 2 bits

>>> import numpy as np
>>> from palate.data import Histories
>>> from palate.metrics import Slates
>>> lists = np.array([[0, 1], [0, 2]], np.int32)
>>> distributional_coverage(Slates(lists, Histories.empty(2, 4)), 2)
1.5

Range 0 to log2(n_items), higher is more even.

Source: Shani and Gunawardana (2011), Evaluating recommendation systems, Recommender Systems
Handbook, section on coverage (Shannon entropy).
"""

from __future__ import annotations

import numpy as np

from palate.metrics.slates import Slates

__all__ = ["distributional_coverage"]


def distributional_coverage(slates: Slates, k: int) -> float:
    """Entropy in bits of the exposure of items among the first `k`."""
    exposure = slates.exposure(k)
    share = exposure[exposure > 0] / max(1, int(exposure.sum()))
    return float(0.0 - (share * np.log2(share)).sum())
