"""One side of alternating least squares by conjugate gradients, compiled: a few steps a row.

The equations and arguments are those of `als`. Steps are scaled by the diagonal of what a
row's matrix would be if its entries were like all others.
"""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total

__all__ = ["improve_rows_cg"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _dots(factors, r0, r1, r2, r3, x):  # type: ignore[no-untyped-def]
    """Inner products of four rows with x, (1, f)."""
    s0 = s1 = s2 = s3 = splat(np.float32(0))
    for k in range(0, x.shape[1], LANES):
        here = load(x, 0, k)
        s0 = multiply_add(load(factors, r0, k), here, s0)
        s1 = multiply_add(load(factors, r1, k), here, s1)
        s2 = multiply_add(load(factors, r2, k), here, s2)
        s3 = multiply_add(load(factors, r3, k), here, s3)
    return total(s0), total(s1), total(s2), total(s3)


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _add_rows(factors, r0, r1, r2, r3, w0, w1, w2, w3, out):  # type: ignore[no-untyped-def]
    """out, (1, f), += four rows, each times its weight."""
    s0, s1, s2, s3 = splat(w0), splat(w1), splat(w2), splat(w3)
    for k in range(0, out.shape[1], LANES):
        near = multiply_add(s0, load(factors, r0, k), load(out, 0, k))
        near = multiply_add(s1, load(factors, r1, k), near)
        near = multiply_add(s2, load(factors, r2, k), near)
        store(out, 0, k, multiply_add(s3, load(factors, r3, k), near))


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _apply(first, last, other, x, pull, out):  # type: ignore[no-untyped-def]
    """Out += sum over entries e of c_e (pull t_e - v_e . x) v_e."""
    items, weights, targets, factors = other
    e = first
    while e + 4 <= last:
        r0, r1, r2, r3 = items[e], items[e + 1], items[e + 2], items[e + 3]
        s0, s1, s2, s3 = _dots(factors, r0, r1, r2, r3, x)
        w0 = weights[e] * (pull * targets[e] - s0)
        w1 = weights[e + 1] * (pull * targets[e + 1] - s1)
        w2 = weights[e + 2] * (pull * targets[e + 2] - s2)
        w3 = weights[e + 3] * (pull * targets[e + 3] - s3)
        _add_rows(factors, r0, r1, r2, r3, w0, w1, w2, w3, out)
        e += 4
    none = np.float32(0)
    while e < last:
        r0 = items[e]
        s0, _, _, _ = _dots(factors, r0, r0, r0, r0, x)
        w0 = weights[e] * (pull * targets[e] - s0)
        _add_rows(factors, r0, r0, r0, r0, w0, none, none, none, out)
        e += 1


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _start(first, last, other, own, work):  # type: ignore[no-untyped-def]
    """Residual b - A x and first direction; the residual's scaled norm."""
    x, residual, direction, _, scale = work
    f = x.shape[1]
    for k in range(f):
        residual[0, k] = -own[k] * x[0, k]
    _apply(first, last, other, x, np.float32(1), residual)
    norm = np.float32(0)
    for k in range(f):
        direction[0, k] = residual[0, k] * scale[k]
        norm += residual[0, k] * direction[0, k]
    return norm


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _advance(first, last, other, own, work, norm):  # type: ignore[no-untyped-def]
    """One step; the new residual's scaled norm, 0 where there is nothing left to gain."""
    x, residual, direction, image, scale = work
    f = x.shape[1]
    for k in range(f):
        image[0, k] = -own[k] * direction[0, k]
    _apply(first, last, other, direction, np.float32(0), image)
    curve = np.float32(0)  # image is -A direction
    for k in range(f):
        curve -= direction[0, k] * image[0, k]
    if not curve > 0:
        return np.float32(0)
    length = norm / curve
    after = np.float32(0)
    for k in range(f):
        x[0, k] += length * direction[0, k]
        residual[0, k] += length * image[0, k]
        after += residual[0, k] * residual[0, k] * scale[k]
    turn = after / norm
    for k in range(f):
        direction[0, k] = residual[0, k] * scale[k] + turn * direction[0, k]
    return after


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows_cg(start, stop, indptr, other, diagonal, ridge, typical, steps, out):  # type: ignore[no-untyped-def]
    """Move out[r - start] towards the solution of row r, from where it is.

    Args as in `als.solve_rows`, but for:
        typical: (f,) float32, what an entry of weight 1 adds to the diagonal on average.
        steps: At least 1.
        out: (stop - start, f) float32, changed in place; rows without entries become 0.
    """
    f = diagonal.shape[0]
    row = np.empty((4, f), np.float32)
    own, scale = np.empty(f, np.float32), np.empty(f, np.float32)
    for r in range(start, stop):
        x = out[r - start : r - start + 1]
        first, last = indptr[r], indptr[r + 1]
        if first == last:
            x[:] = 0
            continue
        worth = np.float32(0)
        for e in range(first, last):
            worth += other[1][e]
        for k in range(f):
            own[k] = diagonal[k] + ridge[r]
            scale[k] = 1 / (own[k] + worth * typical[k])
        work = (x, row[0:1], row[1:2], row[2:3], scale)
        norm = _start(first, last, other, own, work)
        for _ in range(steps):
            if not norm > 0:
                break
            norm = _advance(first, last, other, own, work, norm)
