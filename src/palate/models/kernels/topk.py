"""Top-k of score rows with seen and disallowed items masked out, compiled."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.heap import heap_push, heap_sort

__all__ = ["popularity_where_silent", "top_k_rows"]


@numba.njit(cache=True, nogil=True)
def top_k_rows(scores, indptr, seen, exclude_seen, allowed, out_items, out_scores):
    """Write the best items of each row of `scores`, best first, ties by lowest row.

    Args:
        scores: (n, n_items) float; overwritten with NaN where an item is out.
        indptr: (n + 1,) int64; row i has seen `seen[indptr[i]:indptr[i + 1]]`.
        seen: Item rows.
        exclude_seen: Whether to leave them out.
        allowed: (n_items,) bool.
        out_items: (n, k) int32, filled with -1 before.
        out_scores: (n, k) float32, filled with NaN before.
    """
    n, n_items = scores.shape
    k = min(out_items.shape[1], n_items)
    heap_score = np.empty(k, np.float64)  # exact for float32 too: one compiled heap for both
    heap_item = np.empty(k, np.int32)
    for i in range(n):
        row = scores[i]
        if exclude_seen:
            for at in range(indptr[i], indptr[i + 1]):
                row[seen[at]] = np.nan
        size = 0
        for item in range(n_items):
            score = np.float64(row[item])
            # NaN compares false with everything, so it never enters.
            if size == k:
                if not score > heap_score[0]:
                    continue
            elif score != score:
                continue
            if allowed[item]:
                size = heap_push(heap_score, heap_item, size, score, item)
        heap_sort(heap_score, heap_item, size)
        for rank in range(size):
            out_items[i, rank] = heap_item[rank]
            out_scores[i, rank] = heap_score[rank]


@numba.njit(cache=True, nogil=True)
def popularity_where_silent(scores, indptr, popularity):
    """Let popularity speak where a row of scores says nothing, in place.

    A row prefers nothing where the history is empty, or where all scores that are not NaN
    are the same: then the model knows nothing of this user, whatever the history holds, and
    the row becomes the popularity of each item.

    In any other row without negative scores a score of 0 is an item that the history says
    nothing of. It becomes -1 / (1 + popularity): behind all that have a score, the popular
    first.

    Args:
        scores: (n, n_items) float, changed in place.
        indptr: (n + 1,) int64 of the histories.
        popularity: (n_items,) float32.
    """
    n, n_items = scores.shape
    for i in range(n):
        row = scores[i]
        lowest, highest = np.inf, -np.inf
        if indptr[i + 1] > indptr[i]:
            for item in range(n_items):  # NaN compares false, so it is neither
                score = row[item]
                if score < lowest:
                    lowest = score
                if score > highest:
                    highest = score
        if not lowest < highest:
            for item in range(n_items):
                row[item] = popularity[item]
        elif lowest == 0:
            for item in range(n_items):
                if row[item] == 0:
                    row[item] = -1 / (1 + popularity[item])
