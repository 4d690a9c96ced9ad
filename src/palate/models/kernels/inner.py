"""Inner products of users with all items, compiled: the scores of a factor model."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.tiles import TILE_COLUMNS, TILE_ROWS, add_tile, padded

__all__ = ["inner_products"]

ITEMS = 512  # turned at once; f x ITEMS stay in the second cache while all users pass
USERS = 64


@numba.njit(cache=True, nogil=True)
def _turned(rows, start, stop, out):  # type: ignore[no-untyped-def]
    """out[k, r] = rows[start + r, k], and 0 beyond the last row."""
    n, f = stop - start, rows.shape[1]
    for r in range(out.shape[1]):
        for k in range(f):
            out[k, r] = rows[start + r, k] if r < n else 0


@numba.njit(cache=True, nogil=True)
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
    some_items = np.empty((f, min(ITEMS, padded(n_items))), np.float32)
    some_users = np.empty((f, min(USERS, padded(n))), np.float32)
    scores = np.empty((some_users.shape[1], some_items.shape[1]), np.float32)
    for left in range(0, n_items, ITEMS):
        wide = min(ITEMS, n_items - left)
        _turned(items, left, left + wide, some_items)
        for top in range(0, n, USERS):
            high = min(USERS, n - top)
            _turned(users, top, top + high, some_users)
            scores[:] = 0
            for i in range(0, high, TILE_ROWS):
                for j in range(0, wide, TILE_COLUMNS):
                    add_tile(scores, i, j, np.float32(1), some_items, some_users, f)
            for u in range(high):
                for j in range(wide):
                    out[top + u, left + j] = scores[u, j]
