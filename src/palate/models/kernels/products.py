"""Item-to-item inner products over users, compiled: row i of X'X by walking i's users."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["dense_products", "sparse_products"]


@numba.njit(cache=True, nogil=True)
def _add_user(users, items, weights, user, weight, total):
    for b in range(users[user], users[user + 1]):
        total[items[b]] += weight * weights[b]


@numba.njit(cache=True, nogil=True)
def dense_products(start, stop, by_user, by_item, out):
    """Set out[i - start, j] to the sum over users u of x[u, i] * x[u, j].

    Args:
        start: First item.
        stop: Item after the last.
        by_user: indptr (n_users + 1,) int64, items (nnz,) int32, weights (nnz,) float64.
        by_item: indptr (n_items + 1,) int64, users (nnz,) int32, weights (nnz,) float64.
        out: (stop - start, n_items) float64; its content does not matter.
    """
    users, items, weights = by_user
    starts, item_users, item_weights = by_item
    for i in range(start, stop):
        total = out[i - start]
        total[:] = 0.0
        for a in range(starts[i], starts[i + 1]):
            _add_user(users, items, weights, item_users[a], item_weights[a], total)


@numba.njit(cache=True, nogil=True)
def sparse_products(start, stop, by_user, by_item):
    """The same without zeros, for catalogues whose square does not fit memory.

    Returns:
        rows (stop - start + 1,) int64, columns (nnz,) int32 in no order, values
        (nnz,) float64.
    """
    users, items, weights = by_user
    starts, item_users, item_weights = by_item
    n_items = starts.shape[0] - 1
    total = np.zeros(n_items, np.float64)
    touched = np.zeros(n_items, np.bool_)
    found = np.empty(n_items, np.int32)
    rows = np.zeros(stop - start + 1, np.int64)
    columns = np.empty(1024, np.int32)
    values = np.empty(1024, np.float64)
    end = 0
    for i in range(start, stop):
        n = 0
        for a in range(starts[i], starts[i + 1]):
            user, weight = item_users[a], item_weights[a]
            for b in range(users[user], users[user + 1]):
                j = items[b]
                total[j] += weight * weights[b]
                if not touched[j]:
                    touched[j] = True
                    found[n] = j
                    n += 1
        if end + n > columns.shape[0]:
            room = max(2 * columns.shape[0], end + n)
            more_columns = np.empty(room, np.int32)
            more_values = np.empty(room, np.float64)
            for at in range(end):
                more_columns[at] = columns[at]
                more_values[at] = values[at]
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
