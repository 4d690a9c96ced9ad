"""Scores from sparse item features, compiled: a profile, then its product with each item."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["content_scores"]


@numba.njit(cache=True, nogil=True)
def content_scores(indptr, items, weights, features, n_features, out):
    """Set out[u, j] to the sum, over the entries e of user u, of weights[e] * f_e . f_j.

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32 rows of the features.
        weights: (m,) float64.
        features: rows (n_items + 1,) int64, columns (nnz,) int32, values (nnz,) float64.
        n_features: Above every column.
        out: (n, n_items) float64; its content does not matter.
    """
    rows, columns, values = features
    profile = np.zeros(n_features)
    for u in range(out.shape[0]):
        profile[:] = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            item = items[e]
            for at in range(rows[item], rows[item + 1]):
                profile[columns[at]] += weights[e] * values[at]
        for item in range(out.shape[1]):
            total = 0.0
            for at in range(rows[item], rows[item + 1]):
                total += profile[columns[at]] * values[at]
            out[u, item] = total
