"""The gradient of weighted sums of a table's rows, each row of it once."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["bag_gradient"]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def bag_gradient(slots, weights, gradients, place, distinct):
    """Add up what each row of the table gets from the bags that it is in.

    Args:
        slots: (n, L) int64 rows of the table.
        weights: (n, L) float32; slots of weight 0 are empty.
        gradients: (n, f) float32 of the sums.
        place: (n_rows,) int32, all -1, and again at the end.
        distinct: (n * L,) int64, filled with the distinct rows in the order in which they came.

    Returns:
        (m, f) float32 sums of the distinct rows, m of which were found.
    """
    found = 0
    for bag in range(slots.shape[0]):
        for slot in range(slots.shape[1]):
            row = slots[bag, slot]
            if weights[bag, slot] != 0 and place[row] < 0:
                place[row] = found
                distinct[found] = row
                found += 1
    sums = np.zeros((found, gradients.shape[1]), np.float32)
    for bag in range(slots.shape[0]):
        for slot in range(slots.shape[1]):
            weight = weights[bag, slot]
            if weight != 0:
                to = place[slots[bag, slot]]
                for column in range(gradients.shape[1]):
                    sums[to, column] += weight * gradients[bag, column]
    for at in range(found):
        place[distinct[at]] = -1
    return sums
