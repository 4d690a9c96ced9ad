"""Stochastic gradient descent on given ratings, compiled: one block of a sweep."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total

__all__ = ["descend_block"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def descend_block(start, stop, ratings, users, items, rate, penalty):
    """One step down the gradient of each rating's squared error, in the order they stand.

    Args:
        start: First rating.
        stop: Rating after the last.
        ratings: users (m,) int32, items (m,) int32, ratings less their mean (m,) float32.
        users: factors (n_users, f) float32, biases (n_users,) float32; changed in place. f is
            a multiple of 8.
        items: The same of items.
        rate: float32, the step.
        penalty: float32, regularisation of each step.
    """
    who, what, wanted = ratings
    P, bu = users
    Q, bi = items
    keep = np.float32(1) - rate * penalty
    kept, zero = splat(keep), splat(np.float32(0))
    for at in range(start, stop):
        u, i = np.int64(who[at]), np.int64(what[at])
        sums = zero
        for k in range(0, P.shape[1], LANES):
            sums = multiply_add(load(P, u, k), load(Q, i, k), sums)
        step = rate * (wanted[at] - bu[u] - bi[i] - total(sums))
        bu[u] = keep * bu[u] + step
        bi[i] = keep * bi[i] + step
        up = splat(step)
        for k in range(0, P.shape[1], LANES):
            p, q = load(P, u, k), load(Q, i, k)
            store(P, u, k, multiply_add(up, q, multiply_add(kept, p, zero)))
            store(Q, i, k, multiply_add(up, p, multiply_add(kept, q, zero)))
