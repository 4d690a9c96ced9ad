"""One side of alternating least squares, row by row, compiled: exact solutions.

Each row (a user, or an item) has entries e with a vector v_e of the other side, a weight
c_e and a target t_e, and gets the x that minimises

    sum_e c_e (v_e' x - t_e)^2  +  sum_k (d_k + r) x_k^2

where d is the diagonal of what all other cells together ask for. It is diagonal because
the caller rotates the other side to its principal axes first. Then a row with fewer entries
than factors is solved in the space of its entries (the Woodbury identity):

    x = D^-1 V' (C^-1 + V D^-1 V')^-1 t,      D = diag(d + r)
"""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST, add_outer, cholesky, solve_cholesky

__all__ = ["solve_rows"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _gather_four(factors, items, weights, at, stop, v, w):  # type: ignore[no-untyped-def]
    """The next four entries' vectors and weights; weight 0 past the last."""
    for e in range(4):
        if at + e < stop:
            row = factors[items[at + e]]
            w[e] = weights[at + e]
            for k in range(row.shape[0]):
                v[e, k] = row[k]
        else:
            w[e] = 0


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _by_factors(start, stop, row, other, diagonal, work):  # type: ignore[no-untyped-def]
    """Normal equations of one row, f by f, into `row`; whether they could be solved."""
    items, weights, targets, factors = other
    A, _, v, w = work
    f = factors.shape[1]
    for i in range(f):
        A[i, i:f] = 0
        A[i, i] = diagonal[i]
    row[:] = 0
    for at in range(start, stop, 4):
        _gather_four(factors, items, weights, at, stop, v, w)
        add_outer(A, f, v, w)
        for e in range(min(4, stop - at)):
            pull = w[e] * targets[at + e]
            for k in range(f):
                row[k] += pull * v[e, k]
    solved = cholesky(A, f)
    if solved:
        solve_cholesky(A, f, row)
    return solved


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _dot(a, b, f):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for k in range(f):
        total += a[k] * b[k]
    return total


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _by_entries(start, stop, row, other, diagonal, work):  # type: ignore[no-untyped-def]
    """The same solution from a system of the size of the row's entries."""
    items, weights, targets, factors = other
    A, V, _, _ = work
    n, f = stop - start, factors.shape[1]
    z = V[n]
    for k in range(f):
        row[k] = 1 / math.sqrt(diagonal[k])
    for a in range(n):
        vector = factors[items[start + a]]
        for k in range(f):
            V[a, k] = vector[k] * row[k]
    for a in range(n):
        for b in range(a, n):
            A[a, b] = _dot(V[a], V[b], f)
        A[a, a] += 1 / weights[start + a]
        z[a] = targets[start + a]
    solved = cholesky(A, n)
    if solved:
        solve_cholesky(A, n, z)
        for k in range(f):
            total = np.float32(0)
            for a in range(n):
                total += V[a, k] * z[a]
            row[k] *= total
    return solved


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def solve_rows(start, stop, indptr, other, diagonal, ridge, out):  # type: ignore[no-untyped-def]
    """Set out[r - start] to the solution of row r, 0 where it has no entries.

    Args:
        start: First row.
        stop: Row after the last.
        indptr: (n + 1,) int64; row r owns entries `indptr[r]:indptr[r + 1]`.
        other: items (m,) int32 rows of `factors`, weights (m,) float32 c above 0,
            targets (m,) float32 t, factors (n_items, f) float32.
        diagonal: (f,) float32 d, at least 0.
        ridge: (n,) float32 r, above 0.
        out: (stop - start, f) float32; its content does not matter.

    Returns:
        How many rows could not be solved in single precision; they are 0.
    """
    f = diagonal.shape[0]
    work = (
        np.empty((f, f), np.float32),
        np.empty((f + 1, f), np.float32),
        np.zeros((4, f), np.float32),
        np.zeros(4, np.float32),
    )
    own = np.empty(f, np.float32)
    failed = 0
    for r in range(start, stop):
        first, last = indptr[r], indptr[r + 1]
        row = out[r - start]
        solved = True
        for k in range(f):
            own[k] = diagonal[k] + ridge[r]
        if first == last:
            row[:] = 0
        elif last - first < f:
            solved = _by_entries(first, last, row, other, own, work)
        else:
            solved = _by_factors(first, last, row, other, own, work)
        if not solved:
            row[:] = 0
            failed += 1
    return failed
