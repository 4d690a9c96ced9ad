"""Inner products of users with all items, compiled: the scores of a factor model."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST

__all__ = ["inner_products"]

ITEMS = 256  # of a tile; 256 x f items stay in the second cache while all users pass


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def inner_products(users, items, out):  # type: ignore[no-untyped-def]
    """Set out[u, i] to users[u] . items[i].

    The result of a row does not depend on the rows around it. Unlike a call of BLAS it
    takes no lock and starts no thread, so that several threads can each do a part.

    Args:
        users: (n, f) float32.
        items: (n_items, f) float32.
        out: (n, n_items) float32; its content does not matter.
    """
    n, f = users.shape
    n_items = items.shape[0]
    tile = np.empty((f, ITEMS), np.float32)
    for left in range(0, n_items, ITEMS):
        width = min(ITEMS, n_items - left)
        for j in range(width):
            for k in range(f):
                tile[k, j] = items[left + j, k]
        for u in range(n):
            _row(users[u], tile, f, width, out[u, left : left + width])


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _row(x, tile, f, width, out):  # type: ignore[no-untyped-def]
    out[:] = 0
    k = 0
    while k + 4 <= f:
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        for j in range(width):
            out[j] += (x0 * tile[k, j] + x1 * tile[k + 1, j]) + (
                x2 * tile[k + 2, j] + x3 * tile[k + 3, j]
            )
        k += 4
    while k < f:
        for j in range(width):
            out[j] += x[k] * tile[k, j]
        k += 1
