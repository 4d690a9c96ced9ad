"""The best items of many users from their vectors and the items', compiled: no score is kept."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.heap import heap_push, heap_sort
from palate.models.kernels.inner import PANEL, USERS, four_users, one_user
from palate.models.kernels.lanes import LANES, greatest, load

__all__ = ["inner_top_k"]


@numba.njit(cache=True, nogil=True)
def _speaks(scores, r, width, ends, u):  # type: ignore[no-untyped-def]
    """Widen a user's `ends` by a panel's scores; whether they differ and one is negative."""
    for j in range(width):
        ends[u, 0] = min(ends[u, 0], scores[r, j])
        ends[u, 1] = max(ends[u, 1], scores[r, j])
    return ends[u, 0] < 0 and ends[u, 0] < ends[u, 1]


@numba.njit(cache=True, nogil=True)
def _offer(scores, r, left, width, open_to, u, heaps):  # type: ignore[no-untyped-def]
    """Offer a panel's scores to a user's heap, and set the floor that the next must pass."""
    heap_score, heap_item, held, floor = heaps
    seen, allowed = open_to
    k, low = heap_score.shape[1], floor[u]
    for j in range(width):
        score = scores[r, j]
        if score > low and not seen[u, left + j] and allowed[left + j]:
            held[u] = heap_push(heap_score[u], heap_item[u], held[u], np.float64(score), left + j)
            if held[u] == k:
                low = floor[u] = np.float32(heap_score[u, 0])


@numba.njit(cache=True, nogil=True)
def inner_top_k(  # type: ignore[no-untyped-def]
    users, panels, indptr, items, exclude_seen, allowed, out_items, out_scores
):
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
    n, f = users.shape
    n_items, k = allowed.shape[0], min(out_items.shape[1], allowed.shape[0])
    heap_score, heap_item = np.empty((USERS, k), np.float64), np.empty((USERS, k), np.int32)
    held, floor = np.zeros(USERS, np.int64), np.empty(USERS, np.float32)
    heaps = (heap_score, heap_item, held, floor)
    ends, scores = np.empty((USERS, 2), np.float32), np.empty((4, PANEL), np.float32)
    seen, silent = np.zeros((USERS, n_items), np.bool_), np.ones(n, np.bool_)
    open_to = (seen, allowed)
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
                    best = max(greatest(load(scores, r, 0)), greatest(load(scores, r, LANES)))
                    if width < PANEL or best > floor[u]:
                        _offer(scores, r, left, width, open_to, u, heaps)
        for u in range(many):
            heap_sort(heap_score[u], heap_item[u], held[u])
            for rank in range(held[u]):
                out_items[top + u, rank] = heap_item[u, rank]
                out_scores[top + u, rank] = heap_score[u, rank]
            if indptr[top + u] == indptr[top + u + 1]:
                silent[top + u] = True
            if exclude_seen:
                for e in range(indptr[top + u], indptr[top + u + 1]):
                    seen[u, items[e]] = False
    return silent
