"""Scores from sparse item-to-item neighbours, compiled, and the choice of the best of them."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.heap import heap_push, heap_sort

__all__ = ["best_neighbours", "sparse_scores"]


@numba.njit(cache=True, nogil=True)
def sparse_scores(indptr, items, weights, rows, columns, values, out):
    """Set out[u] to the sum, over the entries e of user u, of weights[e] * S[items[e]].

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32 rows of S.
        weights: (m,) float64.
        rows: (n_rows + 1,) int64, where each row of S starts.
        columns: (nnz,) int32.
        values: (nnz,) float64.
        out: (n, n_columns) float64; its content does not matter.
    """
    for u in range(out.shape[0]):
        total = out[u]
        total[:] = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            weight, item = weights[e], items[e]
            if weight != 0.0:
                for at in range(rows[item], rows[item + 1]):
                    total[columns[at]] += weight * values[at]


@numba.njit(cache=True, nogil=True)
def best_neighbours(rows, columns, values, k):
    """Keep the `k` largest values of each row, best first, ties by lowest column; NaN goes.

    Args:
        rows: (n + 1,) int64, where each row starts.
        columns: (nnz,) int32, distinct within a row.
        values: (nnz,) float64.
        k: At least 1.

    Returns:
        rows, columns and values of what is kept.
    """
    n = rows.shape[0] - 1
    kept_rows = np.zeros(n + 1, np.int64)
    for i in range(n):
        kept_rows[i + 1] = kept_rows[i] + min(k, rows[i + 1] - rows[i])
    kept_columns = np.empty(kept_rows[n], np.int32)
    kept_values = np.empty(kept_rows[n], np.float64)
    end = 0
    for i in range(n):
        room = min(k, rows[i + 1] - rows[i])
        heap_value = kept_values[end : end + room]
        heap_column = kept_columns[end : end + room]
        size = 0
        for at in range(rows[i], rows[i + 1]):
            value = values[at]
            if value == value:
                column = np.int64(columns[at])  # one compiled heap for all
                size = heap_push(heap_value, heap_column, size, value, column)
        heap_sort(heap_value, heap_column, size)
        end += size
        kept_rows[i + 1] = end
    return kept_rows, kept_columns[:end], kept_values[:end]
