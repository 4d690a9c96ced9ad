"""Compiled greedy choice by maximal marginal relevance."""

from __future__ import annotations

import math

import numba
import numpy as np

__all__ = ["marginal"]

# Sums of products may be taken in any order, so that they run on vectors; NaN stays NaN.
_SUMS = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def marginal(vectors, keys, order, first, trade_off):
    """The first places by maximal marginal relevance, then everything else as it stood.

    At each place, of the rows left:  argmax  trade_off key - (1 - trade_off) max cos(row, chosen).

    Args:
        vectors: (n, dimension) float32; a row that is zero or not finite resembles nothing.
        keys: (n,) float64 in [0, 1]; a NaN row is not chosen, it keeps its place behind.
        order: (m,) int64, distinct rows, best first; ties go to the one further ahead.
        first: Places to choose.
        trade_off: Lambda, from 0 to 1: 1 is relevance alone.

    Returns:
        (m,) int64, a permutation of `order`.
    """
    m, dimension = len(order), vectors.shape[1]
    unit = np.zeros((m, dimension), np.float32)
    for at in range(m):
        row = order[at]
        square = np.float32(0.0)
        for j in range(dimension):
            square += vectors[row, j] * vectors[row, j]
        if math.isfinite(square) and square > 0.0:
            scale = np.float32(1.0) / np.float32(math.sqrt(square))
            for j in range(dimension):
                unit[at, j] = vectors[row, j] * scale
    nearest = np.full(m, -2.0, np.float32)  # below every cosine: nothing is chosen yet
    free = np.ones(m, np.bool_)
    result = np.empty(m, np.int64)
    chosen = -1
    size = 0
    while size < min(first, m):
        best, best_value = -1, -np.inf
        for at in range(m):
            if not free[at]:
                continue
            if chosen >= 0:
                cosine = np.float32(0.0)
                for j in range(dimension):
                    cosine += unit[at, j] * unit[chosen, j]
                if cosine > nearest[at]:
                    nearest[at] = cosine
            likeness = nearest[at] if chosen >= 0 else np.float32(0.0)
            value = trade_off * keys[order[at]] - (1.0 - trade_off) * likeness
            if value > best_value:
                best, best_value = at, value
        if best < 0:  # only NaN is left
            break
        result[size] = order[best]
        free[best] = False
        chosen = best
        size += 1
    for at in range(m):
        if free[at]:
            result[size] = order[at]
            size += 1
    return result
