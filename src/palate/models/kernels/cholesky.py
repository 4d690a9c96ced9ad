"""Small dense symmetric systems in single precision, compiled: what each row of ALS solves."""

from __future__ import annotations

import math

import numba

__all__ = ["add_outer", "cholesky", "solve_cholesky"]

# Products may be fused with sums, and sums of products reordered: a rounding more or less.
FAST = {"contract", "reassoc"}


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _add_two_rows(A, i, f, v, w):  # type: ignore[no-untyped-def]
    """A[i] and A[i + 1] += four outer products, from the diagonal to the right."""
    a0, a1, a2, a3 = w[0] * v[0, i], w[1] * v[1, i], w[2] * v[2, i], w[3] * v[3, i]
    b0, b1 = w[0] * v[0, i + 1], w[1] * v[1, i + 1]
    b2, b3 = w[2] * v[2, i + 1], w[3] * v[3, i + 1]
    for j in range(i, f):
        v0, v1, v2, v3 = v[0, j], v[1, j], v[2, j], v[3, j]
        A[i, j] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3
        A[i + 1, j] += b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def add_outer(A, f, v, w):  # type: ignore[no-untyped-def]
    """Add sum_e w[e] * v[e] v[e]' to the upper triangle of A.

    Four vectors and two rows a pass: the loop is then bound by arithmetic, not by memory.

    Args:
        A: (>= f, >= f) float32; what is below the diagonal means nothing.
        f: Size of the system.
        v: (4, >= f) float32; a vector that is not there has w = 0.
        w: (4,) float32.
    """
    for i in range(0, f - 1, 2):
        _add_two_rows(A, i, f, v, w)
    if f % 2:
        last = f - 1
        for e in range(4):
            A[last, last] += w[e] * v[e, last] * v[e, last]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def cholesky(A, f):  # type: ignore[no-untyped-def]
    """Overwrite the upper triangle of A with U, A = U'U; False where A is not positive definite."""
    for i in range(f):
        k = 0
        while k + 4 <= i:
            a0, a1, a2, a3 = A[k, i], A[k + 1, i], A[k + 2, i], A[k + 3, i]
            for j in range(i, f):
                A[i, j] -= a0 * A[k, j] + a1 * A[k + 1, j] + a2 * A[k + 2, j] + a3 * A[k + 3, j]
            k += 4
        while k < i:
            a0 = A[k, i]
            for j in range(i, f):
                A[i, j] -= a0 * A[k, j]
            k += 1
        if not A[i, i] > 0:
            return False
        scale = 1 / math.sqrt(A[i, i])
        for j in range(i, f):
            A[i, j] *= scale
    return True


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def solve_cholesky(U, f, b):  # type: ignore[no-untyped-def]
    """Overwrite b, (>= f,) float32, with the solution of U'U x = b."""
    for i in range(f):
        b[i] /= U[i, i]
        known = b[i]
        for j in range(i + 1, f):
            b[j] -= U[i, j] * known
    for i in range(f - 1, -1, -1):
        total = b[i]
        for j in range(i + 1, f):
            total -= U[i, j] * b[j]
        b[i] = total / U[i, i]
