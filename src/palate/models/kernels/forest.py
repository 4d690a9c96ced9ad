"""Trees kept as arrays, compiled: the mean answer of a forest."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["forest_means"]


@numba.njit(cache=True, nogil=True)
def forest_means(x, roots, nodes, out):
    """Set out[r] to the mean over the trees of the leaf that row r falls into.

    Args:
        x: (n, width) float32; NaN is missing.
        roots: (n_trees,) int32 first node of each tree.
        nodes: left, right (n_nodes,) int32, -1 at leaves; column (n_nodes,) int32; threshold
            (n_nodes,) float64, left is `<=`; missing_left (n_nodes,) bool; value (n_nodes,)
            float64.
        out: (n,) float64.
    """
    left, right, column, threshold, missing_left, value = nodes
    for r in range(len(out)):
        total = 0.0
        for root in roots:
            at = root
            while left[at] >= 0:
                it = x[r, column[at]]
                goes_left = missing_left[at] if np.isnan(it) else it <= threshold[at]
                at = left[at] if goes_left else right[at]
            total += value[at]
        out[r] = total / len(roots)
