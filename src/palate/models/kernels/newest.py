"""Which entry of a history is the newest of its item, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["newest_of_pairs"]


@numba.njit(cache=True, nogil=True)
def newest_of_pairs(indptr, items, n_items):
    """(n,) bool, whether no later entry is of the same user and item.

    Args:
        indptr: (n_users + 1,) int64; entries of a user are oldest first.
        items: (n,) int32.
        n_items: Above every item.
    """
    newest = np.zeros(items.shape[0], np.bool_)
    seen_by = np.full(n_items, -1, np.int64)
    for u in range(indptr.shape[0] - 1):
        for at in range(indptr[u + 1] - 1, indptr[u] - 1, -1):
            if seen_by[items[at]] != u:
                seen_by[items[at]] = u
                newest[at] = True
    return newest
