"""Item vectors moved by further users, compiled: one least squares step each."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST, cholesky, solve_cholesky
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store
from palate.models.kernels.tiles import TILE_COLUMNS, add_outer

__all__ = ["move_rows"]


@numba.njit(cache=True, nogil=True)
def _add_scaled(A, f, scale, G):
    """The upper triangle of A += scale * G."""
    times = splat(scale)
    for i in range(f):
        for j in range(i - i % TILE_COLUMNS, f, LANES):
            store(A, i, j, multiply_add(times, load(G, i, j), load(A, i, j)))


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _pull(A, f, first, last, entries, X, y, wanted):
    """A += sum_e c_e x_e x_e' and wanted += sum_e c_e (t_e - x_e . y) x_e over the entries."""
    users, weights, targets = entries
    V, W = np.empty((last - first, f), np.float32), np.empty((last - first, f), np.float32)
    for e in range(first, last):
        row, weight = users[e], weights[e]
        score = np.float32(0)
        for k in range(f):
            V[e - first, k] = X[row, k]
            W[e - first, k] = weight * X[row, k]
            score += X[row, k] * y[k]
        for k in range(f):
            wanted[0, k] += weight * (targets[e] - score) * X[row, k]
    add_outer(A, f, V, W, last - first)


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def move_rows(start, stop, rows, X, all_new, old, often, ridge, y):
    """y_i += (o_i G + r_i I + N + D_i)^-1 (sum_e c_e (t_e - x_e . y_i) x_e - N y_i - g_i y_i).

    Args:
        start: First item.
        stop: Item after the last.
        rows: indptr (n_items + 1,) int64, users (m,) int32 rows of X, weights (m,) float32 c,
            targets (m,) float32 t.
        X: (n_users, f) float32, the new users; f is a multiple of 16.
        all_new: (f, f) float32 N, what all of them add to every item.
        old: (f, f) float32 G, the sum over all users of the training.
        often: (n_items,) float32 o.
        ridge: (n_items,) float32 r, above 0, and (n_items,) float32 g, what of it is new.
        y: (n_items, f) float32, changed in place; items without entries stay.

    Returns:
        How many items could not be solved in single precision; they stay.
    """
    indptr, users, weights, targets = rows
    penalty, grown = ridge
    f = X.shape[1]
    A, wanted = np.empty((f, f), np.float32), np.empty((1, f), np.float32)
    failed = 0
    for i in range(start, stop):
        first, last = indptr[i], indptr[i + 1]
        if first == last:
            continue
        for a in range(f):
            total = grown[i] * y[i, a]
            for b in range(f):
                A[a, b] = all_new[a, b]
                total += all_new[a, b] * y[i, b]
            A[a, a] += penalty[i]
            wanted[0, a] = -total
        _add_scaled(A, f, often[i], old)
        _pull(A, f, first, last, (users, weights, targets), X, y[i], wanted)
        if cholesky(A, f):
            solve_cholesky(A, f, wanted)
            for k in range(f):
                y[i, k] += wanted[0, k]
        else:
            failed += 1
    return failed
