"""Small dense symmetric systems in single precision, compiled: what each row of ALS solves."""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total
from palate.models.kernels.tiles import TILE_COLUMNS, TILE_ROWS, add_tile

__all__ = ["FAST", "cholesky", "solve_cholesky"]

# Products may be fused with sums, and sums of products reordered: a rounding more or less.
FAST = {"contract", "reassoc"}


@numba.njit(cache=True, nogil=True)
def _subtract_row(A, i, k, start, f):
    """A[i, start:f] -= A[k, i] * A[k, start:f], in whole registers."""
    minus = splat(-A[k, i])
    for j in range(start, f, LANES):
        store(A, i, j, multiply_add(minus, load(A, k, j), load(A, i, j)))


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def cholesky(A, f):
    """Overwrite the upper triangle of A with U, A = U'U; False where A is not positive definite.

    Args:
        A: (>= f, >= f) float32; what is below the diagonal means nothing and is overwritten.
        f: A multiple of 16.
    """
    for i in range(0, f, TILE_ROWS):
        left = i - i % TILE_COLUMNS
        for j in range(left, f, TILE_COLUMNS):
            add_tile(A, i, j, np.float32(-1), A, A, i)
        for row in range(i, i + TILE_ROWS):
            for k in range(i, row):
                _subtract_row(A, row, k, row - row % LANES, f)
            if not A[row, row] > 0:
                return False
            scale = np.float32(1) / np.float32(math.sqrt(A[row, row]))
            for j in range(row, f):
                A[row, j] *= scale
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def solve_cholesky(U, f, b):
    """Overwrite b[0, :f] with the solution of U'U x = b[0, :f].

    Args:
        U: What `cholesky` gave; what is below the diagonal is overwritten with 0.
        f: A multiple of 16.
        b: (1, >= f) float32.
    """
    for i in range(f):
        for j in range(i - i % LANES, i):
            U[i, j] = 0
        b[0, i] /= U[i, i]
        known = b[0, i]
        b[0, i] = 0  # the register with the diagonal would change it
        minus = splat(-known)
        for j in range(i - i % LANES, f, LANES):
            store(b, 0, j, multiply_add(minus, load(U, i, j), load(b, 0, j)))
        b[0, i] = known
    for i in range(f - 1, -1, -1):
        known = b[0, i]
        b[0, i] = 0
        sums = splat(np.float32(0))
        for j in range(i - i % LANES, f, LANES):
            sums = multiply_add(load(U, i, j), load(b, 0, j), sums)
        b[0, i] = (known - total(sums)) / U[i, i]
