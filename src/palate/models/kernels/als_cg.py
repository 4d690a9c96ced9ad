"""One side of alternating least squares by conjugate gradients, compiled: a few steps a row.

The equations and arguments are those of `als`. Steps are scaled by the diagonal of what a
row's matrix would be if its entries were like all others.

A product with the row's matrix goes over the entries in groups: first the inner products of a
group, then, for some columns at once, the sum of its vectors, which stays in registers.
"""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST
from palate.models.kernels.lanes import (
    LANES,
    load,
    multiply_add,
    splat,
    store,
    store_four_totals,
)

__all__ = ["improve_rows_cg"]

GROUP = 64  # entries whose vectors the first cache holds
X, RESIDUAL, DIRECTION, IMAGE, OWN, SCALE, PULLS = range(7)  # rows of a row's work


@numba.njit(cache=True, nogil=True, forceinline=True)
def _dots(first, last, items, factors, work, row, pulls):
    """pulls[0, e - first] = v_e . work[row] of each entry; up to three more are overwritten."""
    end = last - 1
    for e in range(first, last, 4):
        r0, r1 = items[e], items[min(e + 1, end)]
        r2, r3 = items[min(e + 2, end)], items[min(e + 3, end)]
        s0 = s1 = s2 = s3 = splat(np.float32(0))
        for k in range(0, factors.shape[1], LANES):
            here = load(work, row, k)
            s0 = multiply_add(load(factors, r0, k), here, s0)
            s1 = multiply_add(load(factors, r1, k), here, s1)
            s2 = multiply_add(load(factors, r2, k), here, s2)
            s3 = multiply_add(load(factors, r3, k), here, s3)
        store_four_totals(pulls, 0, e - first, s0, s1, s2, s3)


@numba.njit(cache=True, nogil=True, forceinline=True)
def _add(first, last, items, factors, pulls, work, row):
    """work[row] += the sum of pulls[0, e - first] v_e."""
    f = factors.shape[1]
    k = 0
    while k + 4 * LANES <= f:
        s0, s1 = load(work, row, k), load(work, row, k + LANES)
        s2, s3 = load(work, row, k + 2 * LANES), load(work, row, k + 3 * LANES)
        for e in range(first, last):
            r, pull = items[e], splat(pulls[0, e - first])
            s0 = multiply_add(pull, load(factors, r, k), s0)
            s1 = multiply_add(pull, load(factors, r, k + LANES), s1)
            s2 = multiply_add(pull, load(factors, r, k + 2 * LANES), s2)
            s3 = multiply_add(pull, load(factors, r, k + 3 * LANES), s3)
        store(work, row, k, s0)
        store(work, row, k + LANES, s1)
        store(work, row, k + 2 * LANES, s2)
        store(work, row, k + 3 * LANES, s3)
        k += 4 * LANES
    while k < f:
        s0 = load(work, row, k)
        for e in range(first, last):
            s0 = multiply_add(splat(pulls[0, e - first]), load(factors, items[e], k), s0)
        store(work, row, k, s0)
        k += LANES


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _apply(first, last, other, row, pull, work, out, pulls):
    """work[out] += the sum over entries e of c_e (pull t_e - v_e . work[row]) v_e."""
    items, weights, targets, factors = other
    for left in range(first, last, GROUP):
        right = min(left + GROUP, last)
        _dots(left, right, items, factors, work, row, pulls)
        for e in range(left, right):
            pulls[0, e - left] = weights[e] * (pull * targets[e] - pulls[0, e - left])
        _add(left, right, items, factors, pulls, work, out)


@numba.njit(cache=True, nogil=True, fastmath=FAST, forceinline=True)
def _start(first, last, other, work, pulls):
    """Residual b - A x and first direction; the residual's scaled norm."""
    f = work.shape[1]
    for k in range(f):
        work[RESIDUAL, k] = -work[OWN, k] * work[X, k]
    _apply(first, last, other, X, np.float32(1), work, RESIDUAL, pulls)
    norm = np.float32(0)
    for k in range(f):
        work[DIRECTION, k] = work[RESIDUAL, k] * work[SCALE, k]
        norm += work[RESIDUAL, k] * work[DIRECTION, k]
    return norm


@numba.njit(cache=True, nogil=True, fastmath=FAST, forceinline=True)
def _advance(first, last, other, work, pulls, norm):
    """One step; the new residual's scaled norm, 0 where there is nothing left to gain."""
    f = work.shape[1]
    for k in range(f):
        work[IMAGE, k] = -work[OWN, k] * work[DIRECTION, k]
    _apply(first, last, other, DIRECTION, np.float32(0), work, IMAGE, pulls)
    curve = np.float32(0)  # the image is -A direction
    for k in range(f):
        curve -= work[DIRECTION, k] * work[IMAGE, k]
    if not curve > 0:
        return np.float32(0)
    length = norm / curve
    after = np.float32(0)
    for k in range(f):
        work[X, k] += length * work[DIRECTION, k]
        work[RESIDUAL, k] += length * work[IMAGE, k]
        after += work[RESIDUAL, k] * work[RESIDUAL, k] * work[SCALE, k]
    turn = after / norm
    for k in range(f):
        work[DIRECTION, k] = work[RESIDUAL, k] * work[SCALE, k] + turn * work[DIRECTION, k]
    return after


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows_cg(start, stop, indptr, other, diagonal, ridge, typical, steps, out):
    """Move out[r - start] towards the solution of row r, from where it is.

    Args as in `als.solve_rows`, but for:
        typical: (f,) float32, what an entry of weight 1 adds to the diagonal on average.
        steps: At least 1.
        out: (stop - start, f) float32, changed in place; rows without entries become 0.
    """
    f = diagonal.shape[0]
    work, pulls = np.empty((PULLS, f), np.float32), np.empty((1, GROUP + 4), np.float32)
    weights = other[1]
    for r in range(start, stop):
        first, last = indptr[r], indptr[r + 1]
        if first == last:
            for k in range(f):
                out[r - start, k] = 0
            continue
        worth = np.float32(0)
        for e in range(first, last):
            worth += weights[e]
        for k in range(f):
            own = diagonal[k] + ridge[r]
            work[X, k], work[OWN, k] = out[r - start, k], own
            work[SCALE, k] = 1 / (own + worth * typical[k])
        norm = _start(first, last, other, work, pulls)
        for _ in range(steps):
            if not norm > 0:
                break
            norm = _advance(first, last, other, work, pulls, norm)
        for k in range(f):
            out[r - start, k] = work[X, k]
