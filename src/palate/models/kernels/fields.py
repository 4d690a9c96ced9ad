"""Embeddings of the fields of sparse rows, compiled: one table shared by all fields."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["field_sums", "pair_sums"]


@numba.njit(cache=True, nogil=True)
def field_sums(indptr, indices, weights, offsets, table, out):
    """Set out[r, j] to the sum of weights[e] * table[indices[e]] over row r's entries of field j.

    Args:
        indptr: (n + 1,) int64.
        indices: (m,) int32, the fields of a row in their order.
        weights: (m,) float32.
        offsets: (f + 1,) int64; field j owns rows `offsets[j]:offsets[j + 1]` of the table.
        table: (n_features, k) float32.
        out: (n, f, k) float32; its content does not matter.
    """
    k = table.shape[1]
    out[:] = np.float32(0)
    for r in range(len(out)):
        field = 0
        for e in range(indptr[r], indptr[r + 1]):
            row, weight = indices[e], weights[e]
            while row >= offsets[field + 1]:
                field += 1
            for c in range(k):
                out[r, field, c] += weight * table[row, c]


@numba.njit(cache=True, nogil=True)
def pair_sums(vectors, out):
    """Set out[r] to the sum over pairs of fields i < j of <vectors[r, i], vectors[r, j]>.

    Half of the squared sum without the sum of squares: Rendle 2010, lemma 3.1.

    Args:
        vectors: (n, f, k) float32.
        out: (n,) float32; its content does not matter.
    """
    n, f, k = vectors.shape
    sums, own = np.empty(k, np.float32), np.empty(k, np.float32)
    for r in range(n):
        sums[:] = np.float32(0)
        own[:] = np.float32(0)
        for j in range(f):
            for c in range(k):
                x = vectors[r, j, c]
                sums[c] += x
                own[c] += x * x
        both = np.float32(0)
        for c in range(k):
            both += sums[c] * sums[c] - own[c]
        out[r] = np.float32(0.5) * both
