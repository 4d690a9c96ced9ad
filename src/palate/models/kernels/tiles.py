"""Sums of outer products in tiles of 4 by 16, compiled: the core of every dense product here."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store

__all__ = ["TILE_COLUMNS", "TILE_ROWS", "add_outer", "add_tile", "fill", "padded"]

TILE_ROWS = 4
TILE_COLUMNS = 2 * LANES


def padded(f: int) -> int:
    """The least width from `f` on that tiles fill."""
    return -(-f // TILE_COLUMNS) * TILE_COLUMNS


@numba.njit(cache=True, nogil=True)
def fill(A, i, left, right, number):  # type: ignore[no-untyped-def]
    """A[i, left:right] = number, float32; both ends are multiples of 8."""
    everywhere = splat(number)
    for j in range(left, right, LANES):
        store(A, i, j, everywhere)


@numba.njit(cache=True, nogil=True)
def add_tile(A, i, j, scale, V, W, n):  # type: ignore[no-untyped-def]
    """A[i:i+4, j:j+16] += scale * sum over e below n of W[e, i:i+4]' V[e, j:j+16].

    Args:
        A: (>= i + 4, >= j + 16) float32.
        i: First row.
        j: First column.
        scale: float32.
        V: (>= n, >= j + 16) float32.
        W: (>= n, >= i + 4) float32.
        n: Outer products to add.
    """
    zero = splat(np.float32(0))
    a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = zero
    for e in range(n):
        p, q = load(V, e, j), load(V, e, j + LANES)
        w = splat(W[e, i])
        a0, a1 = multiply_add(w, p, a0), multiply_add(w, q, a1)
        w = splat(W[e, i + 1])
        b0, b1 = multiply_add(w, p, b0), multiply_add(w, q, b1)
        w = splat(W[e, i + 2])
        c0, c1 = multiply_add(w, p, c0), multiply_add(w, q, c1)
        w = splat(W[e, i + 3])
        d0, d1 = multiply_add(w, p, d0), multiply_add(w, q, d1)
    s, right = splat(scale), j + LANES
    store(A, i, j, multiply_add(s, a0, load(A, i, j)))
    store(A, i, right, multiply_add(s, a1, load(A, i, right)))
    store(A, i + 1, j, multiply_add(s, b0, load(A, i + 1, j)))
    store(A, i + 1, right, multiply_add(s, b1, load(A, i + 1, right)))
    store(A, i + 2, j, multiply_add(s, c0, load(A, i + 2, j)))
    store(A, i + 2, right, multiply_add(s, c1, load(A, i + 2, right)))
    store(A, i + 3, j, multiply_add(s, d0, load(A, i + 3, j)))
    store(A, i + 3, right, multiply_add(s, d1, load(A, i + 3, right)))


@numba.njit(cache=True, nogil=True)
def add_outer(A, f, V, W, n):  # type: ignore[no-untyped-def]
    """Add the sum over e below n of W[e]' V[e] to the upper triangle of A.

    Args:
        A: (>= f, >= f) float32; what is below the diagonal means nothing.
        f: A multiple of 16.
        V: (>= n, >= f) float32.
        W: Likewise; rows of V times a weight make a symmetric sum.
        n: Outer products to add.
    """
    for i in range(0, f, TILE_ROWS):
        for j in range(i - i % TILE_COLUMNS, f, TILE_COLUMNS):
            add_tile(A, i, j, np.float32(1), V, W, n)
