"""One side of alternating least squares by conjugate gradients, compiled: a few steps a row."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST

__all__ = ["improve_rows_cg"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _start(first, last, x, other, own, work):  # type: ignore[no-untyped-def]
    """The residual b - A x, and the diagonal of A, which scales the steps; |residual|^2 scaled."""
    items, weights, targets, factors = other
    residual, step, _, scale = work
    f = x.shape[0]
    for k in range(f):
        residual[k] = -own[k] * x[k]
        scale[k] = own[k]
    for e in range(first, last):
        v = factors[items[e]]
        score = np.float32(0)
        for k in range(f):
            score += v[k] * x[k]
        pull = weights[e] * (targets[e] - score)
        for k in range(f):
            residual[k] += pull * v[k]
            scale[k] += weights[e] * v[k] * v[k]
    norm = np.float32(0)
    for k in range(f):
        step[k] = residual[k] / scale[k]
        norm += residual[k] * step[k]
    return norm


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _advance(first, last, x, other, own, work, norm):  # type: ignore[no-untyped-def]
    """One step; the new |residual|^2 scaled, 0 where there is nothing left to gain."""
    items, weights, _, factors = other
    residual, step, image, scale = work
    f = x.shape[0]
    for k in range(f):
        image[k] = own[k] * step[k]
    for e in range(first, last):
        v = factors[items[e]]
        score = np.float32(0)
        for k in range(f):
            score += v[k] * step[k]
        score *= weights[e]
        for k in range(f):
            image[k] += score * v[k]
    curve = np.float32(0)
    for k in range(f):
        curve += step[k] * image[k]
    if not curve > 0:
        return np.float32(0)
    length = norm / curve
    after = np.float32(0)
    for k in range(f):
        x[k] += length * step[k]
        residual[k] -= length * image[k]
        after += residual[k] * residual[k] / scale[k]
    turn = after / norm
    for k in range(f):
        step[k] = residual[k] / scale[k] + turn * step[k]
    return after


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows_cg(start, stop, indptr, other, diagonal, ridge, out, steps):  # type: ignore[no-untyped-def]
    """Move out[r - start] towards the solution of row r, from where it is.

    Args as in `als.solve_rows`, but for:
        out: (stop - start, f) float32, changed in place; rows without entries become 0.
        steps: At least 1.
    """
    f = diagonal.shape[0]
    work = (
        np.empty(f, np.float32),
        np.empty(f, np.float32),
        np.empty(f, np.float32),
        np.empty(f, np.float32),
    )
    own = np.empty(f, np.float32)
    for r in range(start, stop):
        x = out[r - start]
        first, last = indptr[r], indptr[r + 1]
        if first == last:
            x[:] = 0
            continue
        for k in range(f):
            own[k] = diagonal[k] + ridge[r]
        norm = _start(first, last, x, other, own, work)
        for _ in range(steps):
            if not norm > 0:
                break
            norm = _advance(first, last, x, other, own, work, norm)
