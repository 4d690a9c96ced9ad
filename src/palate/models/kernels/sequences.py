"""Which items stand near which in sequences, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["near_items"]


@numba.njit(cache=True, nogil=True)
def near_items(start, stop, sequences, occurrences, near):
    """For each item i the sum, over all places p of i and q of j in one sequence, of their worth.

    The worth is the sequence's weight, times ahead[d - 1] where q - p = d, or times
    behind[d - 1] where p - q = d.

    Args:
        start: First item.
        stop: Item after the last.
        sequences: indptr (n + 1,) int64, items (m,) int32, weights (n,) float64.
        occurrences: By item, its places: starts (n_items + 1,) int64, places (m,) int64 in
            `items`, and the sequence of each, (m,) int32.
        near: ahead (w,) and behind (w,) float64.

    Returns:
        rows (stop - start + 1,) int64, columns (nnz,) int32, values (nnz,) float64.
    """
    indptr, items, weights = sequences
    starts, places, owners = occurrences
    ahead, behind = near
    n_items = starts.shape[0] - 1
    window = ahead.shape[0]
    total = np.zeros(n_items, np.float64)
    touched = np.zeros(n_items, np.bool_)
    found = np.empty(n_items, np.int32)
    rows = np.zeros(stop - start + 1, np.int64)
    columns = np.empty(1024, np.int32)
    values = np.empty(1024, np.float64)
    end = 0
    for i in range(start, stop):
        n = 0
        for at in range(starts[i], starts[i + 1]):
            p, s = places[at], owners[at]
            for q in range(max(indptr[s], p - window), min(indptr[s + 1], p + window + 1)):
                if q == p:
                    continue
                worth = weights[s] * (ahead[q - p - 1] if q > p else behind[p - q - 1])
                if worth == 0.0:
                    continue
                j = items[q]
                total[j] += worth
                if not touched[j]:
                    touched[j] = True
                    found[n] = j
                    n += 1
        if end + n > columns.shape[0]:
            room = max(2 * columns.shape[0], end + n)
            more_columns = np.empty(room, np.int32)
            more_values = np.empty(room, np.float64)
            more_columns[:end] = columns[:end]
            more_values[:end] = values[:end]
            columns, values = more_columns, more_values
        for at in range(n):
            j = found[at]
            columns[end + at] = j
            values[end + at] = total[j]
            total[j] = 0.0
            touched[j] = False
        end += n
        rows[i - start + 1] = end
    return rows, columns[:end], values[:end]
