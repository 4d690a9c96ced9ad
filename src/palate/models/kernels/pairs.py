"""Repeated events of one user on one item become one pair, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["pair_sums"]


@numba.njit(cache=True, nogil=True)
def pair_sums(indptr, items, values, n_items):
    """What each user's events on one item add up to, on the first of them.

    Args:
        indptr: (n_users + 1,) int64.
        items: (n,) int32.
        values: (n,) float32.
        n_items: Above every item.

    Returns:
        first: (n,) bool, whether the entry is its pair's first.
        sums: (n,) float64, the pair's sum on its first entry, 0 on the others.
    """
    n = items.shape[0]
    first = np.zeros(n, np.bool_)
    sums = np.zeros(n, np.float64)
    first_at = np.full(n_items, -1, np.int64)  # of the newest user who touched the item
    for u in range(indptr.shape[0] - 1):
        for at in range(indptr[u], indptr[u + 1]):
            before = first_at[items[at]]
            if before < indptr[u]:
                first_at[items[at]] = before = at
                first[at] = True
            sums[before] += values[at]
    return first, sums
