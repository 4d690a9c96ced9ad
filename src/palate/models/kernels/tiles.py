"""Sums of outer products in tiles of eight rows, compiled: the core of every dense product here."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store

__all__ = ["TILE_COLUMNS", "TILE_ROWS", "add_outer", "add_tile", "fill", "padded"]

TILE_ROWS = 8
TILE_COLUMNS = LANES
WIDTH = 16  # a multiple of both, whatever the machine: factors go from one to another


def padded(f: int) -> int:
    """The least width from `f` on that tiles fill."""
    return -(-f // WIDTH) * WIDTH


@numba.njit(cache=True, nogil=True)
def fill(A, i, left, right, number):
    """A[i, left:right] = number, float32; both ends are multiples of LANES."""
    everywhere = splat(number)
    for j in range(left, right, LANES):
        store(A, i, j, everywhere)


@numba.njit(cache=True, nogil=True)
def add_tile(A, i, j, scale, V, W, n):
    """A[i:i+8, j:j+LANES] += scale * sum over e below n of W[e, i:i+8]' V[e, j:j+LANES].

    Args:
        A: (>= i + 8, >= j + LANES) float32.
        i: First row.
        j: First column.
        scale: float32.
        V: (>= n, >= j + LANES) float32.
        W: (>= n, >= i + 8) float32.
        n: Outer products to add.
    """
    a = b = c = d = p = q = r = s = splat(np.float32(0))
    for e in range(n):
        v = load(V, e, j)
        a = multiply_add(splat(W[e, i]), v, a)
        b = multiply_add(splat(W[e, i + 1]), v, b)
        c = multiply_add(splat(W[e, i + 2]), v, c)
        d = multiply_add(splat(W[e, i + 3]), v, d)
        p = multiply_add(splat(W[e, i + 4]), v, p)
        q = multiply_add(splat(W[e, i + 5]), v, q)
        r = multiply_add(splat(W[e, i + 6]), v, r)
        s = multiply_add(splat(W[e, i + 7]), v, s)
    times = splat(scale)
    store(A, i, j, multiply_add(times, a, load(A, i, j)))
    store(A, i + 1, j, multiply_add(times, b, load(A, i + 1, j)))
    store(A, i + 2, j, multiply_add(times, c, load(A, i + 2, j)))
    store(A, i + 3, j, multiply_add(times, d, load(A, i + 3, j)))
    store(A, i + 4, j, multiply_add(times, p, load(A, i + 4, j)))
    store(A, i + 5, j, multiply_add(times, q, load(A, i + 5, j)))
    store(A, i + 6, j, multiply_add(times, r, load(A, i + 6, j)))
    store(A, i + 7, j, multiply_add(times, s, load(A, i + 7, j)))


@numba.njit(cache=True, nogil=True)
def add_outer(A, f, V, W, n):
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
