"""How long each item was there to be taken: what was listed yesterday has few events, not few fans.

    e_j = share of the examples that happened while item j was about,
    about from  first_j - g_j  to  last_j + g_j,   g_j = (last_j - first_j) / (n_j - 1)

n_j events between the first and the last: of moments drawn evenly from a stretch of time, both
ends lie one mean gap g beyond what was seen. An item with one event was about all the time, for
all that is known, and so was one that nobody touched.

Source: Goodman 1952, "Serial number analysis", Journal of the American Statistical Association 47
(both ends of an even distribution from its smallest and largest draw).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["log_exposure"]

LEAST: Final = 0.01  # share: two events at once say nothing of how long an item stands


def log_exposure(
    items: Int32Array, timestamps: Int64Array, examples: Int64Array, n_items: int
) -> Float32Array:
    """(n_items,) float32 ln e of each item, 0 at most.

    Args:
        items: (n,) rows of the items of events.
        timestamps: (n,) when, microseconds since 1970 UTC; where all are alike, all is 0.
        examples: (m,) when the examples happened.
        n_items: Of the catalogue.
    """
    counts = np.bincount(items, minlength=n_items)
    first = np.full(n_items, np.iinfo(np.int64).max)
    last = np.full(n_items, np.iinfo(np.int64).min)
    np.minimum.at(first, items, timestamps)
    np.maximum.at(last, items, timestamps)
    some = counts > 1
    gap = (last[some] - first[some]) // (counts[some] - 1)
    ordered = np.sort(examples)
    before = np.searchsorted(ordered, first[some] - gap, side="left")
    until = np.searchsorted(ordered, last[some] + gap, side="right")
    shares = np.ones(n_items)
    shares[some] = np.clip((until - before) / max(len(ordered), 1), LEAST, 1.0)
    return np.log(shares).astype(np.float32)
