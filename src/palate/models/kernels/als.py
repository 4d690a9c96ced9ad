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

from palate.models.kernels.cholesky import FAST, cholesky, solve_cholesky
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total
from palate.models.kernels.tiles import TILE_COLUMNS, add_outer, fill

__all__ = ["solve_rows"]

GATHERED = 64  # entries whose vectors are copied side by side at once


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _prepare(A, f, own):
    """A = diag(own), as far as it counts."""
    for i in range(f):
        fill(A, i, i - i % TILE_COLUMNS, f, np.float32(0))
        A[i, i] = own[i]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _gather(at, e, other, V, W, x):
    """V[e] = v and W[e] = c v of the entry `at`, and x += c t v."""
    items, weights, targets, factors = other
    row = np.int64(items[at])
    weight, pull = splat(weights[at]), splat(weights[at] * targets[at])
    zero = splat(np.float32(0))
    for k in range(0, factors.shape[1], LANES):
        v = load(factors, row, k)
        store(V, e, k, v)
        store(W, e, k, multiply_add(weight, v, zero))
        store(x, 0, k, multiply_add(pull, v, load(x, 0, k)))


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _by_factors(start, stop, other, own, work):
    """Normal equations of one row, f by f, solved into `work`; whether they could be."""
    A, V, W, x = work
    f = x.shape[1]
    _prepare(A, f, own)
    fill(x, 0, 0, f, np.float32(0))
    for left in range(start, stop, GATHERED):
        n = min(GATHERED, stop - left)
        for e in range(n):
            _gather(left + e, e, other, V, W, x)
        add_outer(A, f, V, W, n)
    if not cholesky(A, f):
        return False
    solve_cholesky(A, f, x)
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _by_entries(start, stop, other, own, work):
    """The same solution from a system of the size of the row's entries."""
    items, weights, targets, factors = other
    A, V, _, x = work
    n, f = stop - start, x.shape[1]
    width = (n + TILE_COLUMNS - 1) // TILE_COLUMNS * TILE_COLUMNS
    for k in range(f):  # V[k, a], so that tiles run over entries
        own[k] = 1 / math.sqrt(own[k])
        fill(V, k, width - TILE_COLUMNS, width, np.float32(0))
        for a in range(n):
            V[k, a] = factors[items[start + a], k] * own[k]
    z = V[f : f + 1]
    for a in range(width):
        fill(A, a, a - a % TILE_COLUMNS, width, np.float32(0))
        A[a, a] = 1 / weights[start + a] if a < n else 1
        z[0, a] = targets[start + a] if a < n else 0
    add_outer(A, width, V, V, f)
    if not cholesky(A, width):
        return False
    solve_cholesky(A, width, z)
    for k in range(f):
        sums = splat(np.float32(0))
        for a in range(0, width, LANES):
            sums = multiply_add(load(V, k, a), load(z, 0, a), sums)
        x[0, k] = own[k] * total(sums)
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def solve_rows(start, stop, indptr, other, diagonal, ridge, out):
    """Set out[r - start] to the solution of row r, 0 where it has no entries.

    Args:
        start: First row.
        stop: Row after the last.
        indptr: (n + 1,) int64; row r owns entries `indptr[r]:indptr[r + 1]`.
        other: items (m,) int32 rows of `factors`, weights (m,) float32 c above 0,
            targets (m,) float32 t, factors (n_items, f) float32; f a multiple of 16.
        diagonal: (f,) float32 d, at least 0.
        ridge: (n,) float32 r, above 0.
        out: (stop - start, f) float32; its content does not matter.

    Returns:
        How many rows could not be solved in single precision; they are 0.
    """
    f = diagonal.shape[0]
    A, x = np.empty((f, f), np.float32), np.empty((1, f), np.float32)
    V = np.empty((max(f + 1, GATHERED), f), np.float32)
    work = (A, V, np.empty((GATHERED, f), np.float32), x)
    own = np.empty(f, np.float32)
    failed = 0
    for r in range(start, stop):
        first, last = indptr[r], indptr[r + 1]
        for k in range(f):
            own[k] = diagonal[k] + ridge[r]
        if first == last:
            solved = False
        elif 4 * (last - first) <= 3 * f:
            solved = _by_entries(first, last, other, own, work)
        else:
            solved = _by_factors(first, last, other, own, work)
        if not solved:
            fill(x, 0, 0, f, np.float32(0))
            failed += last > first
        for k in range(0, f, LANES):
            store(out, r - start, k, load(x, 0, k))
    return failed
