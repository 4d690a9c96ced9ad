"""Compiled choice of places under a limit of each value within a window."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["spread_out"]


@numba.njit(cache=True, nogil=True)
def spread_out(codes, places, most, window, whole):
    """Each place goes to the first row left whose value has room; if none has, to the first.

    Args:
        codes: (m,) int64, the value of each row from 0 to m - 1; -1 always has room.
        places: To fill, m at most.
        most: Rows of one value within any `window` places.
        window: Places in a row that are looked at.
        whole: Whether there are no further rows, so that the rule may give way.

    Returns:
        (n,) int64 rows in the order of their places; fewer than `places` where further rows
        have to be looked at.
    """
    m = len(codes)
    standing = np.zeros(m + 1, np.int64)
    free = np.ones(m, np.bool_)
    taken = np.empty(places, np.int64)
    first = 0
    for place in range(places):
        if place >= window:
            standing[codes[taken[place - window]]] -= 1
        while not free[first]:
            first += 1
        chosen = -1
        for row in range(first, m):
            if free[row] and (codes[row] < 0 or standing[codes[row]] < most):
                chosen = row
                break
        if chosen < 0:
            if not whole:
                return taken[:place]
            chosen = first
        taken[place] = chosen
        free[chosen] = False
        standing[codes[chosen]] += 1
    return taken
