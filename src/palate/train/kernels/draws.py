"""Items drawn for users, none that the user has touched."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["draw_untouched", "next_draw"]

TRIES = 64  # before the next untouched item is taken instead
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True, nogil=True, inline="always")
def next_draw(state):
    """The 64 bits that a state of splitmix64 gives (Steele et al. 2014)."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def draw_untouched(users, indptr, touched, table, seed, out):
    """Fill `out` (n, m) int64 with items drawn for (n,) users, by Walker's alias table.

    Args:
        users: (n,) int64 rows of `indptr`.
        indptr: (n_users + 1,) int64.
        touched: int32 item rows, ascending within a user.
        table: (share, other): (n_items,) float64 in [0, 1] and (n_items,) int64.
        seed: uint64.
        out: To be filled.
    """
    share, other = table
    n_items = np.uint64(len(share))
    state = np.uint64(seed)
    for row in range(len(users)):
        start, stop = indptr[users[row]], indptr[users[row] + 1]
        everything = stop - start >= len(share)
        for column in range(out.shape[1]):
            item = np.int64(0)
            for attempt in range(TRIES):
                state += GOLDEN
                bits = next_draw(state)
                item = np.int64(((bits >> np.uint64(32)) * n_items) >> np.uint64(32))
                if np.float64(bits & np.uint64(0xFFFFFFFF)) / 4294967296.0 >= share[item]:
                    item = other[item]
                if everything or not _among(touched, start, stop, item):
                    break
                if attempt == TRIES - 1:
                    while _among(touched, start, stop, item):
                        item = (item + 1) % len(share)
            out[row, column] = item


@numba.njit(cache=True, nogil=True, inline="always")
def _among(touched, start, stop, item):
    """Whether `item` is one of the ascending touched[start:stop]."""
    while start < stop:
        middle = (start + stop) >> 1
        if touched[middle] < item:
            start = middle + 1
        elif touched[middle] > item:
            stop = middle
        else:
            return True
    return False
