"""One side of alternating least squares by blocks of factors (iALS++), compiled.

For each block the row's own Newton step, the other factors standing still; the scores of
the row's entries are kept up to date, so that a block costs the square of its own size.
"""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST, add_outer, cholesky, solve_cholesky

__all__ = ["improve_rows_block"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _errors(first, last, x, other, error):  # type: ignore[no-untyped-def]
    items, _, targets, factors = other
    for e in range(first, last):
        v = factors[items[e]]
        score = np.float32(0)
        for k in range(x.shape[0]):
            score += v[k] * x[k]
        error[e - first] = score - targets[e]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _block(first, last, left, d, x, other, own, work, error):  # type: ignore[no-untyped-def]
    """One Newton step of factors left to left + d; whether its system could be solved."""
    items, weights, _, factors = other
    A, change, v, w = work
    for i in range(d):
        A[i, i:d] = 0
        A[i, i] = own[left + i]
        change[i] = -own[left + i] * x[left + i]
    for at in range(first, last, 4):
        for e in range(4):
            w[e] = 0
            if at + e < last:
                row, w[e] = items[at + e], weights[at + e]
                pull = w[e] * error[at + e - first]
                for k in range(d):
                    v[e, k] = factors[row, left + k]
                    change[k] -= pull * v[e, k]
        add_outer(A, d, v, w)
    if not cholesky(A, d):
        return False
    solve_cholesky(A, d, change)
    for k in range(d):
        x[left + k] += change[k]
    for e in range(first, last):
        row = items[e]
        moved = np.float32(0)
        for k in range(d):
            moved += factors[row, left + k] * change[k]
        error[e - first] += moved
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows_block(start, stop, indptr, other, diagonal, ridge, out, size):  # type: ignore[no-untyped-def]
    """Move out[r - start] towards the solution of row r, block after block, each once.

    Args as in `als.solve_rows`, but for:
        out: (stop - start, f) float32, changed in place; rows without entries become 0.
        size: Factors of a block, 1 to f.

    Returns:
        How many blocks could not be solved in single precision; they stay as they are.
    """
    f = diagonal.shape[0]
    longest = 0
    for r in range(start, stop):
        longest = max(longest, indptr[r + 1] - indptr[r])
    error = np.empty(longest, np.float32)
    work = (
        np.empty((size, size), np.float32),
        np.empty(size, np.float32),
        np.zeros((4, size), np.float32),
        np.zeros(4, np.float32),
    )
    own = np.empty(f, np.float32)
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
            if not _block(first, last, left, d, x, other, own, work, error):
                failed += 1
    return failed
