"""Stochastic gradient descent on pairs of a touched and an untouched item, compiled."""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.models.kernels.cholesky import FAST
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total
from palate.models.kernels.random import below, next_state, seeded
from palate.models.kernels.tiles import fill

__all__ = ["descend_pairs", "fold_in_pairs", "steps_of_fold_in"]


@numba.njit(cache=True, nogil=True)
def _advantage(x, u, y, i, j):
    """x_u . (y_i - y_j)."""
    sums, minus = splat(np.float32(0)), splat(np.float32(-1))
    for k in range(0, x.shape[1], LANES):
        apart = multiply_add(minus, load(y, j, k), load(y, i, k))
        sums = multiply_add(load(x, u, k), apart, sums)
    return total(sums)


@numba.njit(cache=True, nogil=True)
def _move(x, u, y, i, j, step, keep):
    """Up the gradient: x_u towards y_i - y_j, y_i towards x_u, y_j away from it."""
    up, down, minus, zero = splat(step), splat(-step), splat(np.float32(-1)), splat(np.float32(0))
    user_keep, item_keep = splat(keep[0]), splat(keep[1])
    for k in range(0, x.shape[1], LANES):
        a, b, c = load(x, u, k), load(y, i, k), load(y, j, k)
        apart = multiply_add(minus, c, b)
        store(x, u, k, multiply_add(up, apart, multiply_add(user_keep, a, zero)))
        store(y, i, k, multiply_add(up, a, multiply_add(item_keep, b, zero)))
        store(y, j, k, multiply_add(down, a, multiply_add(item_keep, c, zero)))


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def descend_pairs(order, indptr, items, model, drawn, rate, keep, seed):
    """One step for each touched item of a stratum, against an untouched one drawn from it.

    Users come one after another, so that a user's vector and the marks of what is touched
    stay in the first cache. A draw that is touched is drawn again, at most eight times.

    Args:
        order: (n,) int32 users, distinct.
        indptr: (n_users + 1,) int64.
        items: (m,) int32.
        model: x (n_users, f), y (n_items, f), b (n_items,), float32; changed in place. f is a
            multiple of 8.
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
            i = np.int64(items[e])
            if not here[i]:
                continue
            j = i
            for _ in range(8):
                state = next_state(state)
                j = np.int64(pool[below(state, n_pool)])
                if touched[j] != u:
                    break
            if touched[j] == u:
                continue
            better = b[i] - b[j] + _advantage(x, u, y, i, j)
            step = np.float32(rate / (np.float32(1) + math.exp(better)))
            _move(x, u, y, i, j, step, keep)
            b[i] = keep[1] * b[i] + step
            b[j] = keep[1] * b[j] - step


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def fold_in_pairs(start, stop, indptr, items, y, b, settings, out):
    """Set out[r - start] to the user vector of history r, the items standing still.

    Descends from 0 with a step that falls to 0, and takes the mean of the second half of
    the way. Every history gets the same draws, so the answer does not depend on the batch.

    Args:
        start: First history.
        stop: History after the last.
        indptr: (n + 1,) int64.
        items: (m,) int32, distinct within a history.
        y: (n_items, f) float32; f is a multiple of 8.
        b: (n_items,) float32.
        settings: passes over a history (int), least steps (int), first step (float32),
            penalty of a step (float32), seed (int).
        out: (stop - start, f) float32; its content does not matter.
    """
    passes, least, rate, penalty, seed = settings
    n_items, f = y.shape
    touched = np.full(n_items, -1, np.int64)
    x, mean = np.empty((1, f), np.float32), np.empty((1, f), np.float32)
    minus, zero = splat(np.float32(-1)), np.float32(0)
    for r in range(start, stop):
        fill(x, 0, 0, f, zero)
        fill(mean, 0, 0, f, zero)
        n = indptr[r + 1] - indptr[r]
        for e in range(indptr[r], indptr[r + 1]):
            touched[items[e]] = r
        state = seeded(seed)
        count = max(passes * n, least) if 0 < n < n_items else 0
        half = count // 2
        for at in range(count):
            i = np.int64(items[indptr[r] + at % n])
            j = i
            while touched[j] == r:
                state = next_state(state)
                j = below(state, n_items)
            slower = rate * (np.float32(1) - np.float32(at) / np.float32(count))
            better = b[i] - b[j] + _advantage(x, 0, y, i, j)
            step = splat(np.float32(slower / (np.float32(1) + math.exp(better))))
            keep = splat(np.float32(1) - slower * penalty)
            counted = splat(np.float32(at >= half))
            for k in range(0, f, LANES):
                apart = multiply_add(minus, load(y, j, k), load(y, i, k))
                moved = multiply_add(step, apart, multiply_add(keep, load(x, 0, k), splat(zero)))
                store(x, 0, k, moved)
                store(mean, 0, k, multiply_add(counted, moved, load(mean, 0, k)))
        share = splat(np.float32(1) / np.float32(max(1, count - half)))
        for k in range(0, f, LANES):
            store(out, r - start, k, multiply_add(share, load(mean, 0, k), splat(zero)))


@numba.njit(cache=True, nogil=True)
def steps_of_fold_in(items, y, b, settings):
    """What each step of `fold_in_pairs` leaves in the user vector of one history.

    Step t moves x along y_i - y_j, with i = items[t % n] and j drawn; the vector is the sum
    of left_t (y_i - y_j) over all steps.

    Args:
        items: (n,) int32, distinct; at least one, and not all.
        y: (n_items, f) float32.
        b: (n_items,) float32.
        settings: As of `fold_in_pairs`.

    Returns:
        drawn (steps,) int64 j, left (steps,) float64.
    """
    passes, least, rate, penalty, seed = settings
    n, n_items, f = items.shape[0], y.shape[0], y.shape[1]
    touched = np.zeros(n_items, np.bool_)
    for e in range(n):
        touched[items[e]] = True
    count = max(passes * n, least)
    drawn = np.empty(count, np.int64)
    left, keep = np.empty(count), np.empty(count)
    x = np.zeros(f)
    state = seeded(seed)
    for at in range(count):
        i = np.int64(items[at % n])
        j = i
        while touched[j]:
            state = next_state(state)
            j = below(state, n_items)
        slower = rate * (1.0 - at / count)
        better = b[i] - b[j]
        for k in range(f):
            better += x[k] * (y[i, k] - y[j, k])
        drawn[at], left[at], keep[at] = j, slower / (1.0 + math.exp(better)), 1 - slower * penalty
        for k in range(f):
            x[k] = keep[at] * x[k] + left[at] * (y[i, k] - y[j, k])
    # A step is still there, less what was forgotten, in each later x of those averaged.
    later, half = 0.0, count // 2
    for at in range(count - 1, -1, -1):
        later += np.float64(at >= half)
        left[at] *= later / (count - half)
        later *= keep[at]
    return drawn, left
