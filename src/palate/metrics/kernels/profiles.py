"""Compiled products of item vectors with the summed vectors of a user's items."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["profile_products"]


@numba.njit(cache=True, nogil=True)
def profile_products(items, indptr, members, row_start, columns, weights, width):
    """The dot product of each listed item with the sum of its user's members.

    Args:
        items: (n_users, k) int32, -1 where nothing is.
        indptr: (n_users + 1,) int64 into `members`.
        members: (n,) int32 item rows.
        row_start: (n_items + 1,) int64 into `columns` and `weights`: item vectors, sparse.
        columns: (m,) int32.
        weights: (m,) float64.
        width: Length of an item vector.

    Returns:
        (n_users, k) float64, 0 where nothing is.
    """
    n_users, k = items.shape
    out = np.zeros((n_users, k), np.float64)
    profile = np.zeros(width, np.float64)
    for user in range(n_users):
        for at in range(indptr[user], indptr[user + 1]):
            member = members[at]
            for entry in range(row_start[member], row_start[member + 1]):
                profile[columns[entry]] += weights[entry]
        for place in range(k):
            item = items[user, place]
            if item < 0:
                continue
            total = 0.0
            for entry in range(row_start[item], row_start[item + 1]):
                total += profile[columns[entry]] * weights[entry]
            out[user, place] = total
        # Clearing what was touched costs less than a new array for every user.
        for at in range(indptr[user], indptr[user + 1]):
            member = members[at]
            for entry in range(row_start[member], row_start[member + 1]):
                profile[columns[entry]] = 0.0
    return out
