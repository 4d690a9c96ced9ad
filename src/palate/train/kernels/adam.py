"""One step of Adam on those rows of a table that a batch has touched."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["adam_rows", "sum_rows"]


@numba.njit(cache=True, nogil=True)
def sum_rows(rows, gradients, place, distinct, sums):
    """Add up the gradients of each row; rows stand in the order in which they came first.

    Args:
        rows: (n,) int64, with repetitions.
        gradients: (n, f) float32.
        place: (n_rows,) int32, all -1, and again at the end.
        distinct: (n,) int64, to be filled.
        sums: (n, f) float32, to be filled.

    Returns:
        How many distinct rows there are.
    """
    found = 0
    for at in range(len(rows)):
        row = rows[at]
        to = place[row]
        if to < 0:
            place[row] = found
            distinct[found] = row
            sums[found] = gradients[at]
            found += 1
        else:
            for column in range(gradients.shape[1]):
                sums[to, column] += gradients[at, column]
    for at in range(found):
        place[distinct[at]] = -1
    return found


# Divisions as in numpy: one that may raise keeps the loop from being done eight numbers at a time.
@numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp"}, error_model="numpy")
def adam_rows(rows, gradients, tables, betas, eps, scales):
    """Move distinct rows of a table.

    Args:
        rows: (n,) int64, none twice.
        gradients: (n, f) float32.
        tables: weights, first and second moments, each (n_rows, f) float32, changed.
        betas: beta_1, beta_2, float32.
        eps: float32.
        scales: (rate / (1 - beta_1^t), 1 / sqrt(1 - beta_2^t), 1 - rate * decay), float32.
    """
    weights, first, second = tables
    beta_1, beta_2 = betas
    rate, root, kept = scales
    one = np.float32(1)
    for at in range(len(rows)):
        row = rows[at]
        for column in range(gradients.shape[1]):
            g = gradients[at, column]
            m = beta_1 * first[row, column] + (one - beta_1) * g
            v = beta_2 * second[row, column] + (one - beta_2) * g * g
            first[row, column] = m
            second[row, column] = v
            moved = rate * m / (np.sqrt(v) * root + eps)
            weights[row, column] = kept * weights[row, column] - moved
