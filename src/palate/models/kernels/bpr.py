"""Stochastic gradient descent on pairs of a touched and an untouched item, compiled."""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST
from palate.models.kernels.random import below, next_state, seeded

__all__ = ["descend_pairs", "fold_in_pairs"]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _advantage(x, yi, yj):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for k in range(x.shape[0]):
        total += x[k] * (yi[k] - yj[k])
    return total


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def _move(x, yi, yj, step, keep):  # type: ignore[no-untyped-def]
    user_keep, item_keep = keep
    for k in range(x.shape[0]):
        a, b, c = x[k], yi[k], yj[k]
        x[k] = user_keep * a + step * (b - c)
        yi[k] = item_keep * b + step * a
        yj[k] = item_keep * c - step * a


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def descend_pairs(order, indptr, items, model, drawn, rate, keep, seed):  # type: ignore[no-untyped-def]
    """One step for each touched item of a stratum, against an untouched one drawn from it.

    Users come one after another, so that a user's vector and the marks of what is touched
    stay in the first cache. A draw that is touched is drawn again, at most eight times.

    Args:
        order: (n,) int32 users, distinct.
        indptr: (n_users + 1,) int64.
        items: (m,) int32.
        model: x (n_users, f), y (n_items, f), b (n_items,), float32; changed in place.
        drawn: stratum (n_items,) int32, 1 for the items that may be used in this block;
            pool (p,) int32, those items.
        rate: float32, the step.
        keep: float32 pair, what a step leaves of a user's and of an item's factors.
        seed: Non-negative integer.
    """
    x, y, b = model
    here, pool = drawn
    touched = np.full(y.shape[0], -1, np.int32)
    state = seeded(seed)
    n_pool = pool.shape[0]
    for at in range(order.shape[0]):
        u = order[at]
        for e in range(indptr[u], indptr[u + 1]):
            touched[items[e]] = u
        for e in range(indptr[u], indptr[u + 1]):
            i = items[e]
            if not here[i]:
                continue
            j = i
            for _ in range(8):
                state = next_state(state)
                j = pool[below(state, n_pool)]
                if touched[j] != u:
                    break
            if touched[j] == u:
                continue
            better = b[i] - b[j] + _advantage(x[u], y[i], y[j])
            step = rate / (np.float32(1) + math.exp(better))
            _move(x[u], y[i], y[j], step, keep)
            b[i] = keep[1] * b[i] + step
            b[j] = keep[1] * b[j] - step


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def fold_in_pairs(start, stop, indptr, items, y, b, settings, out):  # type: ignore[no-untyped-def]
    """Set out[r - start] to the user vector of history r, the items standing still.

    Descends from 0 with a step that falls to 0, and takes the mean of the second half of
    the way. Every history gets the same draws, so the answer does not depend on the batch.

    Args:
        start: First history.
        stop: History after the last.
        indptr: (n + 1,) int64.
        items: (m,) int32, distinct within a history.
        y: (n_items, f) float32.
        b: (n_items,) float32.
        settings: passes over a history (int), least steps (int), first step (float32),
            penalty of a step (float32), seed (int).
        out: (stop - start, f) float32; its content does not matter.
    """
    passes, least, rate, penalty, seed = settings
    n_items, f = y.shape
    touched = np.full(n_items, -1, np.int64)
    mean = np.empty(f, np.float32)
    for r in range(start, stop):
        x = out[r - start]
        x[:] = 0
        mean[:] = 0
        n = indptr[r + 1] - indptr[r]
        if n == 0 or n == n_items:
            continue
        for e in range(indptr[r], indptr[r + 1]):
            touched[items[e]] = r
        state = seeded(seed)
        total = max(passes * n, least)
        half = total // 2
        for at in range(total):
            i = items[indptr[r] + at % n]
            j = i
            while touched[j] == r:
                state = next_state(state)
                j = below(state, n_items)
            slower = rate * (np.float32(1) - np.float32(at) / np.float32(total))
            better = b[i] - b[j] + _advantage(x, y[i], y[j])
            step = slower / (np.float32(1) + math.exp(better))
            keep = np.float32(1) - slower * penalty
            for k in range(f):
                x[k] = keep * x[k] + step * (y[i, k] - y[j, k])
            if at >= half:
                for k in range(f):
                    mean[k] += x[k]
        for k in range(f):
            x[k] = mean[k] / np.float32(total - half)
