"""Stochastic gradient descent on given ratings, compiled: one block of a sweep."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST

__all__ = ["descend_block"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def descend_block(start, stop, ratings, users, items, rate, penalty):  # type: ignore[no-untyped-def]
    """One step down the gradient of each rating's squared error, in the order they stand.

    Args:
        start: First rating.
        stop: Rating after the last.
        ratings: users (m,) int32, items (m,) int32, ratings less their mean (m,) float32.
        users: factors (n_users, f) float32, biases (n_users,) float32; changed in place.
        items: The same of items.
        rate: float32, the step.
        penalty: float32, regularisation of each step.
    """
    who, what, wanted = ratings
    P, bu = users
    Q, bi = items
    f = P.shape[1]
    keep = np.float32(1) - rate * penalty
    for at in range(start, stop):
        u, i = who[at], what[at]
        p, q = P[u], Q[i]
        score = np.float32(0)
        for k in range(f):
            score += p[k] * q[k]
        step = rate * (wanted[at] - bu[u] - bi[i] - score)
        bu[u] = keep * bu[u] + step
        bi[i] = keep * bi[i] + step
        for k in range(f):
            before = p[k]
            p[k] = keep * before + step * q[k]
            q[k] = keep * q[k] + step * before
