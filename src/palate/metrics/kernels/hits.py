"""Compiled look-up of recommended items among the relevant ones."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["hit_entries"]


@numba.njit(cache=True, nogil=True)
def hit_entries(recommended, indptr, items):
    """Where each recommended item stands among the relevant ones of its user.

    An item that a list names twice is a hit only the first time.

    Args:
        recommended: (n_users, k) int32, best first, -1 where nothing is.
        indptr: (n_users + 1,) int64; user u's relevant items are
            `items[indptr[u]:indptr[u + 1]]`, ascending and distinct.
        items: (n,) int32.

    Returns:
        (n_users, k) int64 entry of `items`, -1 for a miss.
    """
    n_users, k = recommended.shape
    found = np.full((n_users, k), -1, np.int64)
    taken = np.zeros(len(items), np.bool_)
    for user in range(n_users):
        start, stop = indptr[user], indptr[user + 1]
        for position in range(k):
            item = recommended[user, position]
            if item < 0:
                continue
            low, high = start, stop
            while low < high:
                middle = (low + high) >> 1
                if items[middle] < item:
                    low = middle + 1
                else:
                    high = middle
            if low < stop and items[low] == item and not taken[low]:
                taken[low] = True
                found[user, position] = low
    return found
