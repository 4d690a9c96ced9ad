"""Inner products of users with all items, compiled: the scores of a factor model."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store

__all__ = [
    "PANEL",
    "USERS",
    "check_panels",
    "four_users",
    "inner_products",
    "one_user",
    "panels_of",
]

PANEL = 2 * LANES  # items side by side
USERS = 32  # whose vectors stay in the first cache while all panels pass


@numba.njit(cache=True, nogil=True)
def panels_of(items):
    """(n_items, f) float32 in panels of items, factor by factor: (n_panels * f, PANEL).

    The last panel is filled up with zeros.
    """
    n_items, f = items.shape
    n_panels = -(-n_items // PANEL)
    panels = np.zeros((n_panels * f, PANEL), np.float32)
    for i in range(n_items):
        for k in range(f):
            panels[i // PANEL * f + k, i % PANEL] = items[i, k]
    return panels


@numba.njit(cache=True, nogil=True)
def check_panels(panels):
    """Refuse panels of another width.

    A compiled loop is cached by its own file alone: one that an older version of this file
    left in the cache would read them all wrong.
    """
    if panels.shape[1] != PANEL:
        raise ValueError("panels of another width: delete numba's cache (__pycache__/*.nb?)")


@numba.njit(cache=True, nogil=True)
def four_users(users, u, panels, base, out, at, left):
    """out[at:at+4, left:left+PANEL] = products of users u to u + 3 with the panel at `base`."""
    zero = splat(np.float32(0))
    a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = zero
    for k in range(users.shape[1]):
        p, q = load(panels, base + k, 0), load(panels, base + k, LANES)
        x = splat(users[u, k])
        a0, a1 = multiply_add(x, p, a0), multiply_add(x, q, a1)
        x = splat(users[u + 1, k])
        b0, b1 = multiply_add(x, p, b0), multiply_add(x, q, b1)
        x = splat(users[u + 2, k])
        c0, c1 = multiply_add(x, p, c0), multiply_add(x, q, c1)
        x = splat(users[u + 3, k])
        d0, d1 = multiply_add(x, p, d0), multiply_add(x, q, d1)
    right = left + LANES
    store(out, at, left, a0)
    store(out, at, right, a1)
    store(out, at + 1, left, b0)
    store(out, at + 1, right, b1)
    store(out, at + 2, left, c0)
    store(out, at + 2, right, c1)
    store(out, at + 3, left, d0)
    store(out, at + 3, right, d1)


@numba.njit(cache=True, nogil=True)
def one_user(users, u, panels, base, out, at, left):
    """The same of one user, to the last bit."""
    a0 = a1 = splat(np.float32(0))
    for k in range(users.shape[1]):
        x = splat(users[u, k])
        a0 = multiply_add(x, load(panels, base + k, 0), a0)
        a1 = multiply_add(x, load(panels, base + k, LANES), a1)
    store(out, at, left, a0)
    store(out, at, left + LANES, a1)


@numba.njit(cache=True, nogil=True)
def inner_products(users, panels, out):
    """Set out[u, i] to users[u] . items[i].

    The sum runs over factors in their order, for one user as for many: the result of a row
    does not depend on the rows around it. Unlike a call of BLAS it takes no lock and starts
    no thread, so that several threads can each do a part.

    Args:
        users: (n, f) float32.
        panels: What `panels_of` made of the items.
        out: (n, n_items) float32; its content does not matter.
    """
    check_panels(panels)
    n, f = users.shape
    n_items = out.shape[1]
    last = np.empty((4, PANEL), np.float32)  # a panel that is wider than what is left
    for top in range(0, n, USERS):
        bottom = min(n, top + USERS)
        for left in range(0, n_items, PANEL):
            base, width = left // PANEL * f, n_items - left
            u = top
            while u < bottom:
                step = 4 if u + 4 <= bottom else 1
                target, row, column = (out, u, left) if width >= PANEL else (last, 0, 0)
                if step == 4:
                    four_users(users, u, panels, base, target, row, column)
                else:
                    one_user(users, u, panels, base, target, row, column)
                if width < PANEL:
                    for r in range(step):
                        for j in range(width):
                            out[u + r, left + j] = last[r, j]
                u += step
