"""Coordinate descent for one item's weights at a time on X'X, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["descend"]

ALL, ACTIVE = 0, 1


@numba.njit(cache=True, nogil=True)
def _sweep(chosen, which, gram, diagonal, penalties, weights, rest):  # type: ignore[no-untyped-def]
    """Set each weight to its best given the others; returns the largest change."""
    rows, columns, values = gram
    lambda_, beta = penalties
    largest = 0.0
    for at in range(chosen.shape[0]):
        i = chosen[at]
        before = weights[i]
        if which == ACTIVE and before == 0.0:
            continue
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
def descend(start, stop, gram, diagonal, penalties, limits):  # type: ignore[no-untyped-def]
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
        used = 0
        while used < sweeps:
            used += 1
            if _sweep(chosen, ALL, gram, diagonal, penalties, weights, rest) < still:
                break
            while used < sweeps:
                used += 1
                if _sweep(chosen, ACTIVE, gram, diagonal, penalties, weights, rest) < still:
                    break
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
