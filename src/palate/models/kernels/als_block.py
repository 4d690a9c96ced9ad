"""One side of alternating least squares by blocks of factors (iALS++), compiled.

The equations and arguments are those of `als`. For each block the row's own Newton step, the
other factors standing still; the scores of the row's entries are kept up to date, so that a
block costs the square of its own size.
"""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST, cholesky, solve_cholesky
from palate.models.kernels.tiles import add_outer

__all__ = ["improve_rows_block"]

GATHERED = 64  # entries whose vectors are copied side by side at once


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _errors(first, last, x, other, error):
    items, _, targets, factors = other
    for e in range(first, last):
        v = factors[items[e]]
        score = np.float32(0)
        for k in range(x.shape[0]):
            score += v[k] * x[k]
        error[e - first] = score - targets[e]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _block(first, last, left, x, other, own, work, error):
    """One Newton step of a block of factors from `left`; whether its system could be solved."""
    items, weights, _, factors = other
    A, V, W, change = work
    d = change.shape[1]
    for i in range(d):
        A[i, i - i % 16 : d] = 0
        A[i, i] = own[left + i]
        change[0, i] = -own[left + i] * x[left + i]
    for at in range(first, last, GATHERED):
        n = min(GATHERED, last - at)
        for e in range(n):
            row, weight = items[at + e], weights[at + e]
            pull = weight * error[at + e - first]
            for k in range(d):
                V[e, k] = factors[row, left + k]
                W[e, k] = weight * V[e, k]
                change[0, k] -= pull * V[e, k]
        add_outer(A, d, V, W, n)
    if not cholesky(A, d):
        return False
    solve_cholesky(A, d, change)
    for k in range(d):
        x[left + k] += change[0, k]
    for e in range(first, last):
        row = items[e]
        moved = np.float32(0)
        for k in range(d):
            moved += factors[row, left + k] * change[0, k]
        error[e - first] += moved
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows_block(start, stop, indptr, other, diagonal, ridge, size, out):
    """Move out[r - start] towards the solution of row r, block after block, each once.

    Args as in `als.solve_rows`, but for:
        size: Factors of a block, a multiple of 16; the last block may be smaller.
        out: (stop - start, f) float32, changed in place; rows without entries become 0.

    Returns:
        How many blocks could not be solved in single precision; they stay as they are.
    """
    f = diagonal.shape[0]
    longest = 0
    for r in range(start, stop):
        longest = max(longest, indptr[r + 1] - indptr[r])
    error = np.empty(longest, np.float32)
    own = np.empty(f, np.float32)
    A, change = np.empty((size, size), np.float32), np.empty((1, size), np.float32)
    V, W = np.empty((GATHERED, size), np.float32), np.empty((GATHERED, size), np.float32)
    failed = 0
    for r in range(start, stop):
        x = out[r - start]
        first, last = indptr[r], indptr[r + 1]
        if first == last:
            x[:] = 0
            continue
        for k in range(f):
            own[k] = diagonal[k] + ridge[r]
        _errors(first, last, x, other, error)
        for left in range(0, f, size):
            d = min(size, f - left)
            work = (A, V, W, np.empty((1, d), np.float32) if d < size else change)
            if not _block(first, last, left, x, other, own, work, error):
                failed += 1
    return failed
