"""Top-k of score rows with seen and disallowed items masked out, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["top_k_rows"]


@numba.njit(cache=True, nogil=True)
def top_k_rows(scores, indptr, seen, exclude_seen, allowed, out_items, out_scores):  # type: ignore[no-untyped-def]
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
    k = out_items.shape[1]
    heap_score = np.empty(k, scores.dtype)
    heap_item = np.empty(k, np.int32)
    for i in range(n):
        row = scores[i]
        if exclude_seen:
            for at in range(indptr[i], indptr[i + 1]):
                row[seen[at]] = np.nan
        size = 0
        for item in range(n_items):
            score = row[item]
            # NaN compares false with everything, so it never enters.
            if size == k:
                if not score > heap_score[0]:
                    continue
            elif score != score:
                continue
            if not allowed[item]:
                continue
            if size < k:
                at = size
                size += 1
                while at > 0:
                    parent = (at - 1) >> 1
                    # The worst is on top; among equals the later item, this one, is worse.
                    if heap_score[parent] < score:
                        break
                    heap_score[at] = heap_score[parent]
                    heap_item[at] = heap_item[parent]
                    at = parent
                heap_score[at] = score
                heap_item[at] = item
                continue
            at = 0
            while True:
                child = 2 * at + 1
                if child >= size:
                    break
                right = child + 1
                if right < size and _worse(heap_score, heap_item, right, child):
                    child = right
                if score <= heap_score[child]:
                    break
                heap_score[at] = heap_score[child]
                heap_item[at] = heap_item[child]
                at = child
            heap_score[at] = score
            heap_item[at] = item
        _unload(heap_score, heap_item, size, out_items[i], out_scores[i])


@numba.njit(cache=True, nogil=True, inline="always")
def _worse(score, item, a, b):  # type: ignore[no-untyped-def]
    return score[a] < score[b] or (score[a] == score[b] and item[a] > item[b])


@numba.njit(cache=True, nogil=True)
def _unload(heap_score, heap_item, size, items, scores):  # type: ignore[no-untyped-def]
    """Selection sort of the heap into the output, best first, ties by lowest row."""
    for rank in range(size):
        best = rank
        for at in range(rank + 1, size):
            if _worse(heap_score, heap_item, best, at):
                best = at
        heap_score[rank], heap_score[best] = heap_score[best], heap_score[rank]
        heap_item[rank], heap_item[best] = heap_item[best], heap_item[rank]
        items[rank] = heap_item[rank]
        scores[rank] = heap_score[rank]
