"""Scores from a dense item-to-item matrix, compiled: a history's rows weighted and added."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["dense_scores"]

TILE = 64  # columns at once; the rows of popular items stay in the second cache
PACK_FROM = 32  # users from which copying a tile pays


@numba.njit(cache=True, nogil=True, inline="always")
def _add_rows(items, weights, start, stop, matrix, width, out):
    """out[:width] += the sum of weights[e] * matrix[items[e], :width], in the order of entries.

    Four entries a pass save three quarters of the traffic to `out`. The additions keep
    their order, so that tiles and whole rows give the same to the last bit.
    """
    e = start
    while e + 4 <= stop:
        w0, w1, w2, w3 = weights[e], weights[e + 1], weights[e + 2], weights[e + 3]
        r0, r1, r2, r3 = items[e], items[e + 1], items[e + 2], items[e + 3]
        for j in range(width):
            out[j] = (
                ((out[j] + w0 * matrix[r0, j]) + w1 * matrix[r1, j]) + w2 * matrix[r2, j]
            ) + w3 * matrix[r3, j]
        e += 4
    while e < stop:
        w0, r0 = weights[e], items[e]
        for j in range(width):
            out[j] += w0 * matrix[r0, j]
        e += 1


@numba.njit(cache=True, nogil=True)
def dense_scores(indptr, items, weights, matrix, out):
    """Set out[u] to the sum, over the entries e of user u, of weights[e] * matrix[items[e]].

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32 rows of `matrix`.
        weights: (m,) of the dtype of `matrix`.
        matrix: (n_items, n_items) float32 or float64.
        out: (n, n_items) of the dtype of `matrix`; its content does not matter.
    """
    n, n_items = out.shape
    if n < PACK_FROM:
        for u in range(n):
            out[u, :] = 0
            _add_rows(items, weights, indptr[u], indptr[u + 1], matrix, n_items, out[u])
        return
    # A tile of columns is copied once into adjacent memory, from where all users read it.
    tile = np.zeros((n_items, TILE), matrix.dtype)
    total = np.empty(TILE, matrix.dtype)
    for left in range(0, n_items, TILE):
        width = min(TILE, n_items - left)
        for i in range(n_items):
            for j in range(width):
                tile[i, j] = matrix[i, left + j]
        for u in range(n):
            total[:] = 0
            _add_rows(items, weights, indptr[u], indptr[u + 1], tile, TILE, total)
            for j in range(width):
                out[u, left + j] = total[j]
