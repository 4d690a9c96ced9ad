"""Made-up visitors who did one thing each: what an index can be tried on without any person's data.

Users stand further from their items than items from each other, so that an index which was tried on
items looks too near for people. These stand about where people do.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.types import BoolArray

__all__ = ["NEWCOMERS", "newcomers"]

NEWCOMERS: Final = 128  # an index is measured by as many searches over all of its rows


def newcomers(known: BoolArray, at_us: int, n: int = NEWCOMERS) -> Histories:
    """Up to `n` histories of one event each, of items spread evenly over those that are known.

    Args:
        known: (n_items,) whether somebody took it in training.
        at_us: When, microseconds since 1970 UTC.
        n: How many.
    """
    items = np.flatnonzero(known)
    n = min(n, len(items))
    chosen = items[np.arange(n) * len(items) // max(n, 1)].astype(np.int32)
    return Histories(
        np.arange(n + 1, dtype=np.int64),
        chosen,
        np.ones(n, np.float32),
        np.full(n, at_us, np.int64),
        len(known),
    )
