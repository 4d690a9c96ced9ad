"""Compiled greedy choice by maximal marginal relevance."""

from __future__ import annotations

import math

import numba
import numpy as np

__all__ = ["marginal"]

# Sums of products may be taken in any order, so that they run on vectors; NaN stays NaN.
_SUMS = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, nogil=True)
def marginal(vectors, keys, order, first, trade_off):
    """The first places by maximal marginal relevance, then everything else as it stood.

    At each place, of the rows left:  argmax  trade_off key - (1 - trade_off) max cos(row, chosen).

    A row is compared with the chosen ones only while it may still be the best: what it is worth
    falls with each of them, so most rows of most requests meet but a few.
    Source: Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set functions".

    Args:
        vectors: (n, dimension) float32; a row that is zero or not finite resembles nothing.
        keys: (n,) float64 in [0, 1]; a NaN row is not chosen, it keeps its place behind.
        order: (m,) int64, distinct rows, best first; ties go to the one further ahead.
        first: Places to choose.
        trade_off: Lambda, from 0 to 1: 1 is relevance alone.

    Returns:
        (m,) int64, a permutation of `order`.
    """
    m = len(order)
    scales = np.empty(m, np.float32)
    nearest = np.full(m, -1.0, np.float32)  # cosine with the likest of those compared, so far
    compared = np.zeros(m, np.int64)  # with how many of the chosen
    free = np.ones(m, np.bool_)
    picked = np.empty(min(first, m), np.int64)
    size = 0
    for at in range(m):
        scales[at] = _scale(vectors, order[at])
    while size < len(picked):
        best, best_value = -1, -np.inf
        for at in range(m):
            if not free[at]:
                continue
            likeness = nearest[at] if size > 0 else np.float32(0.0)
            value = trade_off * keys[order[at]] - (1.0 - trade_off) * likeness
            if not value > best_value:  # comparing it with more rows only makes it worth less
                continue
            while compared[at] < size:
                other = picked[compared[at]]
                cosine = np.float32(0.0)  # of a row without a length, whatever it holds
                if scales[at] > 0.0 and scales[other] > 0.0:
                    cosine = _product(vectors, order[at], order[other])
                    cosine = cosine * scales[at] * scales[other]
                nearest[at] = max(nearest[at], cosine)
                compared[at] += 1
            if size > 0:
                value = trade_off * keys[order[at]] - (1.0 - trade_off) * nearest[at]
            if value > best_value:
                best, best_value = at, value
        if best < 0:  # only NaN is left
            break
        picked[size] = best
        free[best] = False
        size += 1
    result = np.empty(m, np.int64)
    for place in range(size):
        result[place] = order[picked[place]]
    for at in range(m):
        if free[at]:
            result[size] = order[at]
            size += 1
    return result


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _scale(vectors, row):
    """One by the length of a row; 0 for one that is zero or not finite."""
    square = np.float32(0.0)
    for j in range(vectors.shape[1]):
        square += vectors[row, j] * vectors[row, j]
    if math.isfinite(square) and square > 0.0:
        return np.float32(1.0) / np.float32(math.sqrt(square))
    return np.float32(0.0)


@numba.njit(cache=True, nogil=True, fastmath=_SUMS)
def _product(vectors, row, other):
    """The product of two rows."""
    total = np.float32(0.0)
    for j in range(vectors.shape[1]):
        total += vectors[row, j] * vectors[other, j]
    return total
