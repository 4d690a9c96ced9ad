"""Ranks of scores within each user, ties averaged: what AUC is computed from."""

from __future__ import annotations

import numpy as np

from palate.types import Float64Array, Int64Array

__all__ = ["ranks_within"]


def ranks_within(groups: Int64Array, values: Float64Array) -> Float64Array:
    """(n,) float64, the rank of each value among those of its group, lowest 1, ties averaged.

    >>> ranks_within(np.array([0, 0, 0, 1]), np.array([0.5, 0.9, 0.5, 0.1])).tolist()
    [1.5, 3.0, 1.5, 1.0]

    Args:
        groups: (n,) int64 from 0.
        values: (n,) float64 without NaN.
    """
    order = np.lexsort((values, groups))
    sorted_groups, sorted_values = groups[order], values[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (sorted_groups[1:] != sorted_groups[:-1]) | (
        sorted_values[1:] != sorted_values[:-1]
    )
    tie = np.cumsum(fresh) - 1
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(order)) - 1
    starts = np.concatenate(([0], np.cumsum(np.bincount(groups))))[sorted_groups]
    ranks = np.empty(len(order))
    ranks[order] = (first[tie] + last[tie]) / 2 - starts + 1
    return ranks
