"""Coordinate descent for one item's weights at a time on X'X, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["descend"]


@numba.njit(cache=True, nogil=True)
def _sweep(chosen, gram, diagonal, penalties, weights, rest):
    """Set each weight to its best given the others; returns the largest change."""
    rows, columns, values = gram
    lambda_, beta = penalties
    largest = 0.0
    for at in range(chosen.shape[0]):
        i = chosen[at]
        before = weights[i]
        pull = rest[i] + diagonal[i] * before - lambda_
        after = pull / (diagonal[i] + beta) if pull > 0.0 else 0.0
        change = after - before
        if change != 0.0:
            weights[i] = after
            for b in range(rows[i], rows[i + 1]):
                rest[columns[b]] -= change * values[b]
            largest = max(largest, abs(change))
    return largest


@numba.njit(cache=True, nogil=True)
def _settle(used, gram, diagonal, penalties, weights, rest, place, limits):
    """Sweep the items in `used` alone until they stand still; returns the sweeps it took.

    They move on the square of their own products, a few hundred wide; what their moves mean
    for all other items is added up once, at the end.
    """
    rows, columns, values = gram
    lambda_, beta = penalties
    sweeps, still = limits
    n = used.shape[0]
    among = np.zeros((n, n), np.float32)
    place[used] = np.arange(n)
    for x in range(n):
        for b in range(rows[used[x]], rows[used[x] + 1]):
            y = place[columns[b]]
            if y >= 0:
                among[x, y] = values[b]
    place[used] = -1
    near, now = rest[used], weights[used]
    taken = 0
    while taken < sweeps:
        taken += 1
        largest = 0.0
        for x in range(n):
            size = diagonal[used[x]]
            pull = near[x] + size * now[x] - lambda_
            after = pull / (size + beta) if pull > 0.0 else 0.0
            change = after - now[x]
            if change != 0.0:
                now[x] = after
                row = among[x]
                for y in range(n):
                    near[y] -= change * row[y]
                largest = max(largest, abs(change))
        if largest < still:
            break
    for x in range(n):
        i = used[x]
        change = now[x] - weights[i]
        if change != 0.0:
            weights[i] = now[x]
            for b in range(rows[i], rows[i + 1]):
                rest[columns[b]] -= change * values[b]
    return taken


@numba.njit(cache=True, nogil=True)
def descend(start, stop, gram, diagonal, penalties, limits):
    """Find the weights w >= 0 of each item j in turn.

    They minimise, by cyclic coordinate descent:

        1/2 |x_j - Xw|^2 + beta/2 |w|^2 + lambda |w|_1     with  w_j = 0.

    Only items i with x_i'x_j > lambda can have a weight: what the others pull is at most
    x_i'x_j - lambda, since no weight is negative. Between two sweeps over all of them, those
    with a weight are swept until they stand still.

    Args:
        start: First item.
        stop: Item after the last.
        gram: X'X by row: (n_items + 1,) int64, (nnz,) int32, (nnz,) float32.
        diagonal: (n_items,) float64, of X'X.
        penalties: lambda and beta, float64.
        limits: Sweeps at most (int64), and the change at which w stands still (float64).

    Returns:
        rows (stop - start + 1,) int64, columns (nnz,) int32: the items with a weight for each
        j, and values (nnz,) float64: the weights.
    """
    rows, columns, values = gram
    sweeps, still = limits
    n_items = diagonal.shape[0]
    weights = np.zeros(n_items, np.float64)
    rest = np.empty(n_items, np.float64)  # x_i'(x_j - Xw)
    place = np.full(n_items, -1, np.int64)
    out_rows = np.zeros(stop - start + 1, np.int64)
    out_columns = np.empty(1024, np.int32)
    out_values = np.empty(1024, np.float64)
    end = 0
    for j in range(start, stop):
        rest[:] = 0.0
        chosen = np.empty(rows[j + 1] - rows[j], np.int32)
        n = 0
        for at in range(rows[j], rows[j + 1]):
            i = columns[at]
            rest[i] = values[at]
            if i != j and values[at] > penalties[0]:
                chosen[n] = i
                n += 1
        chosen = chosen[:n]
        taken = 0
        while taken < sweeps:
            taken += 1
            if _sweep(chosen, gram, diagonal, penalties, weights, rest) < still:
                break
            if taken < sweeps:
                used = chosen[weights[chosen] > 0.0]
                left = (sweeps - taken, still)
                taken += _settle(used, gram, diagonal, penalties, weights, rest, place, left)
        if end + n > out_columns.shape[0]:
            room = max(2 * out_columns.shape[0], end + n)
            more_columns = np.empty(room, np.int32)
            more_values = np.empty(room, np.float64)
            more_columns[:end] = out_columns[:end]
            more_values[:end] = out_values[:end]
            out_columns, out_values = more_columns, more_values
        for at in range(n):
            i = chosen[at]
            if weights[i] > 0.0:
                out_columns[end] = i
                out_values[end] = weights[i]
                end += 1
            weights[i] = 0.0
        out_rows[j - start + 1] = end
    return out_rows, out_columns[:end], out_values[:end]
