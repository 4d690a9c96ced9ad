"""The best items of many users from a dense item-to-item matrix, compiled: no score is kept."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.dense import TILE, _add_rows
from palate.models.kernels.heap import heap_push, heap_sort

__all__ = ["dense_top_k"]


@numba.njit(cache=True, nogil=True)
def dense_top_k(indptr, items, weights, matrix, exclude_seen, allowed, out_items, out_scores):
    """What `dense_scores` and then `top_k_rows` give, to the last bit.

    The matrix is read once, a tile of columns after the other; each user's heap takes what
    the tile offers. So there is no (n, n_items) array to write and to read again.

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32 rows of `matrix`.
        weights: (m,) of the dtype of `matrix`.
        matrix: (n_items, n_items) float32 or float64, without NaN.
        exclude_seen: Whether to leave out the items of each history.
        allowed: (n_items,) bool.
        out_items: (n, k) int32, filled with -1 before.
        out_scores: (n, k) float32, filled with NaN before.

    Returns:
        (n,) bool, whether popularity has a say: all scores of a user are the same, or an item
        with a score of 0 is among the best. Those rows are not final.
    """
    n, n_items = out_items.shape[0], matrix.shape[0]
    k = min(out_items.shape[1], n_items)
    heap_score = np.empty((n, k), np.float64)
    heap_item = np.empty((n, k), np.int32)
    size = np.zeros(n, np.int64)
    silent = np.ones(n, np.bool_)
    first = np.zeros(n, matrix.dtype)
    tile = np.zeros((n_items, TILE), matrix.dtype)
    total = np.empty(TILE, matrix.dtype)
    for left in range(0, n_items, TILE):
        width = min(TILE, n_items - left)
        for i in range(n_items):
            for j in range(width):
                tile[i, j] = matrix[i, left + j]
        for u in range(n):
            start, stop = indptr[u], indptr[u + 1]
            total[:] = 0
            _add_rows(items, weights, start, stop, tile, TILE, total)
            if left == 0:
                first[u] = total[0]
            if silent[u]:
                for j in range(width):
                    if total[j] != first[u]:
                        silent[u] = False
            if exclude_seen:
                for e in range(start, stop):
                    at = items[e] - left
                    if 0 <= at < width:
                        total[at] = np.nan
            held = size[u]
            scores, found = heap_score[u], heap_item[u]
            for j in range(width):
                score = np.float64(total[j])
                # NaN compares false with everything, so it never enters.
                if held == k:
                    if not score > scores[0]:
                        continue
                elif score != score:
                    continue
                if allowed[left + j]:
                    held = heap_push(scores, found, held, score, left + j)
            size[u] = held
    for u in range(n):
        heap_sort(heap_score[u], heap_item[u], size[u])
        for rank in range(size[u]):
            out_items[u, rank] = heap_item[u, rank]
            out_scores[u, rank] = heap_score[u, rank]
        if size[u] > 0 and heap_score[u, size[u] - 1] == 0:
            silent[u] = True
    return silent
