"""The best items of many users from their vectors and the items', compiled: no score is kept."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.inner import PANEL, USERS, check_panels, four_users, one_user
from palate.models.kernels.lanes import LANES, above, first_bit, load, splat

__all__ = ["inner_top_k"]


@numba.njit(cache=True, nogil=True)
def _speaks(scores, r, width, ends, u):
    """Widen a user's `ends` by a panel's scores; whether they differ and one is negative."""
    for j in range(width):
        ends[u, 0] = min(ends[u, 0], scores[r, j])
        ends[u, 1] = max(ends[u, 1], scores[r, j])
    return ends[u, 0] < 0 and ends[u, 0] < ends[u, 1]


@numba.njit(cache=True, nogil=True)
def _insert(scores, items, u, held, score, item):
    """Put one item in its place in row u, behind equals; the last leaves when the row is full.

    A list of some dozens is shifted faster than a heap is kept.
    """
    at = min(held, scores.shape[1] - 1)
    while at > 0 and score > scores[u, at - 1]:
        scores[u, at], items[u, at] = scores[u, at - 1], items[u, at - 1]
        at -= 1
    scores[u, at], items[u, at] = score, item
    return min(held + 1, scores.shape[1])


@numba.njit(cache=True, nogil=True)
def inner_top_k(users, panels, indptr, items, exclude_seen, allowed, out_items, out_scores):
    """What `inner_products` and then `top_k_rows` give, to the last bit.

    Args:
        users: (n, f) float32.
        panels: What `panels_of` made of the items.
        indptr: (n + 1,) int64.
        items: (m,) int32, what each user has seen.
        exclude_seen: Whether to leave that out.
        allowed: (n_items,) bool.
        out_items: (n, k) int32, filled with -1 before.
        out_scores: (n, k) float32, filled with NaN before.

    Returns:
        (n,) bool, whether popularity may have a say: the history is empty, all scores are the
        same, or none is negative. Those rows are not final.
    """
    check_panels(panels)
    n, f = users.shape
    n_items, k = allowed.shape[0], out_items.shape[1]
    held, floor = np.zeros(USERS, np.int64), np.empty(USERS, np.float32)
    ends, scores = np.empty((USERS, 2), np.float32), np.empty((4, PANEL), np.float32)
    seen, silent = np.zeros((USERS, n_items), np.bool_), np.ones(n, np.bool_)
    for top in range(0, n, USERS):
        many = min(USERS, n - top)
        for u in range(many):
            held[u], floor[u], ends[u, 0], ends[u, 1] = 0, -np.inf, np.inf, -np.inf
            if exclude_seen:
                for e in range(indptr[top + u], indptr[top + u + 1]):
                    seen[u, items[e]] = True
        for left in range(0, n_items, PANEL):
            base, width = left // PANEL * f, min(PANEL, n_items - left)
            for first in range(0, many, 4):
                count = min(4, many - first)
                if count == 4:
                    four_users(users, top + first, panels, base, scores, 0, 0)
                else:
                    for r in range(count):
                        one_user(users, top + first + r, panels, base, scores, r, 0)
                for r in range(count):
                    u = first + r
                    if silent[top + u]:
                        silent[top + u] = not _speaks(scores, r, width, ends, u)
                    bound = splat(floor[u])
                    bits = above(load(scores, r, 0), bound)
                    bits |= above(load(scores, r, LANES), bound) << LANES
                    if width < PANEL:
                        bits &= (1 << width) - 1
                    while bits != 0:
                        j = first_bit(bits)
                        bits &= bits - 1
                        score, item = scores[r, j], left + j
                        if score > floor[u] and not seen[u, item] and allowed[item]:
                            held[u] = _insert(out_scores, out_items, top + u, held[u], score, item)
                            if held[u] == k:
                                floor[u] = out_scores[top + u, k - 1]
        for u in range(many):
            if indptr[top + u] == indptr[top + u + 1]:
                silent[top + u] = True
            if exclude_seen:
                for e in range(indptr[top + u], indptr[top + u + 1]):
                    seen[u, items[e]] = False
    return silent
