"""Pairs of values of one row as buckets, compiled: the cross-product features of a wide model."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["count_crosses", "fill_crosses"]


@numba.njit(cache=True, nogil=True)
def _begins(rows, r, out):
    """Set out[j] to the entry of row r at which field j begins; out has f + 1."""
    indptr, indices, offsets = rows
    e, stop = indptr[r], indptr[r + 1]
    for field in range(len(offsets) - 1):
        out[field] = e
        while e < stop and indices[e] < offsets[field + 1]:
            e += 1
    out[len(offsets) - 1] = stop


@numba.njit(cache=True, nogil=True)
def count_crosses(rows, pairs, out):
    """Set out[r + 1] to the number of crossed entries of rows 0 to r; out[0] is 0.

    Args:
        rows: indptr (n + 1,) int64, indices (m,) int32, offsets (f + 1,) int64.
        pairs: (c, 2) int64, the two fields of each cross.
        out: (n + 1,) int64.
    """
    begins = np.empty(len(rows[2]), np.int64)
    out[0] = 0
    for r in range(len(out) - 1):
        _begins(rows, r, begins)
        n = 0
        for c in range(len(pairs)):
            a, b = pairs[c, 0], pairs[c, 1]
            n += (begins[a + 1] - begins[a]) * (begins[b + 1] - begins[b])
        out[r + 1] = out[r] + n


@numba.njit(cache=True, nogil=True)
def _mixed(key):
    """A bijection of 64 bits that spreads neighbours: SplitMix64's finaliser (Steele 2014)."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def fill_crosses(rows, weights, pairs, buckets, indices_out, weights_out):
    """Write the crossed entries, row by row, cross by cross.

    Args:
        rows: As in `count_crosses`.
        weights: (m,) float32.
        pairs: As in `count_crosses`.
        buckets: Rows that the crosses share.
        indices_out: (k,) int32 buckets.
        weights_out: (k,) float32 products.
    """
    indptr, indices, offsets = rows
    begins = np.empty(len(offsets), np.int64)
    features = np.uint64(offsets[-1])
    at = 0
    for r in range(len(indptr) - 1):
        _begins(rows, r, begins)
        for c in range(len(pairs)):
            a, b = pairs[c, 0], pairs[c, 1]
            for d in range(begins[a], begins[a + 1]):
                for e in range(begins[b], begins[b + 1]):
                    key = np.uint64(indices[d]) * features + np.uint64(indices[e])
                    indices_out[at] = np.int32(_mixed(key) % np.uint64(buckets))
                    weights_out[at] = weights[d] * weights[e]
                    at += 1
