"""Compiled selection of each user's best rows from a table of scores."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["best_rows"]


@numba.njit(cache=True, nogil=True)
def best_rows(users, scores, n_users, k):
    """The rows with the highest scores of each user, best first; ties keep the table's order.

    One pass; each user's list stays sorted, and a row usually goes to its end or nowhere.

    Args:
        users: (n,) int64, -1 for rows to leave out.
        scores: (n,) float64; NaN never ranks.
        n_users: Users in all.
        k: Rows a user, at least 1.

    Returns:
        (n_users, k) int64 row numbers, -1 where there are fewer.
    """
    rows = np.full((n_users, k), -1, np.int64)
    best = np.empty((n_users, k), np.float64)
    size = np.zeros(n_users, np.int64)
    for row in range(len(users)):
        user, score = users[row], scores[row]
        if user < 0 or score != score:
            continue
        count = size[user]
        if count == k:
            if score <= best[user, k - 1]:
                continue
            at = k - 1
        else:
            at = count
            size[user] += 1
        while at > 0 and best[user, at - 1] < score:
            best[user, at] = best[user, at - 1]
            rows[user, at] = rows[user, at - 1]
            at -= 1
        best[user, at] = score
        rows[user, at] = row
    return rows
