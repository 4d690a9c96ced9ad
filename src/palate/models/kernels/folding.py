"""A history's vectors weighted and added up, compiled."""

from __future__ import annotations

import numba

__all__ = ["weighted_rows"]


@numba.njit(cache=True, nogil=True)
def weighted_rows(indptr, items, weights, factors, out):
    """Set out[u] to the sum, over the entries e of user u, of weights[e] * factors[items[e]].

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32 rows of `factors`.
        weights: (m,) float32.
        factors: (n_items, f) float32.
        out: (n, f) float32; its content does not matter.
    """
    n, f = out.shape
    for u in range(n):
        out[u, :] = 0
        for e in range(indptr[u], indptr[u + 1]):
            weight, row = weights[e], items[e]
            if weight != 0:
                for k in range(f):
                    out[u, k] += weight * factors[row, k]
