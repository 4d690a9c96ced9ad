"""The entries of sparse rows put in order of their columns, compiled: one pass, no sorting."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["transpose"]


@numba.njit(cache=True, nogil=True)
def transpose(indptr, columns, weights, targets, n_columns):
    """The same entries by column; those of a column in the order of their rows.

    Args:
        indptr: (n + 1,) int64; row r owns entries `indptr[r]:indptr[r + 1]`.
        columns: (m,) int32, from 0 to n_columns - 1.
        weights: (m,) float32.
        targets: (m,) float32.
        n_columns: Their number.

    Returns:
        starts (n_columns + 1,) int64, rows (m,) int32, weights and targets (m,) float32.
    """
    m = columns.shape[0]
    starts = np.zeros(n_columns + 1, np.int64)
    for e in range(m):
        starts[columns[e] + 1] += 1
    for column in range(n_columns):
        starts[column + 1] += starts[column]
    free = starts.copy()
    rows = np.empty(m, np.int32)
    put_weights, put_targets = np.empty(m, np.float32), np.empty(m, np.float32)
    for r in range(indptr.shape[0] - 1):
        for e in range(indptr[r], indptr[r + 1]):
            at = free[columns[e]]
            free[columns[e]] = at + 1
            rows[at], put_weights[at], put_targets[at] = r, weights[e], targets[e]
    return starts, rows, put_weights, put_targets
