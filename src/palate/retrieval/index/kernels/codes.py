"""Rows as signed bytes with a scale each, and the product of two rows in either form."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["REORDERED", "byte_product", "byte_products", "product", "quantise"]

_COMMON = 64  # dimensions of most embeddings

# Sums may be taken in any order, which is what lets the compiler use whole registers.
REORDERED = {"reassoc", "nsz", "contract"}


@numba.njit(cache=True, nogil=True)
def quantise(vectors, codes, scales):
    """Each row as int8, x ~ scale * code, with a scale of its own.

    Args:
        vectors: (n, d) float32, finite.
        codes: (n, >= d) int8, filled; columns beyond d become 0.
        scales: (n,) float32, filled; 0 for a row of zeros.
    """
    n, d = vectors.shape
    for i in range(n):
        largest = np.float32(0.0)
        for j in range(d):
            largest = max(largest, abs(vectors[i, j]))
        scales[i] = largest / np.float32(127.0)
        back = np.float32(127.0) / largest if largest > 0 else np.float32(0.0)
        codes[i, d:] = 0
        for j in range(d):
            codes[i, j] = np.int8(np.rint(vectors[i, j] * back))


@numba.njit(cache=True, nogil=True)
def byte_product(query, codes, row):
    """The product of a query's code (width,) int16 with one of codes (n, width) int8, int32.

    A loop over plain rows is what the compiler turns into byte products; sums are cast back at
    each step, for otherwise they are 64 bits wide, at a tenth of the speed.
    """
    total = np.int32(0)
    for j in range(query.shape[0]):
        total = np.int32(total + np.int32(np.int32(query[j]) * np.int32(codes[row, j])))
    return total


@numba.njit(cache=True, nogil=True)
def byte_products(query, codes, first, totals):
    """Products of a query's code with the codes of rows that stand together.

    Args:
        query: (width,) int16: bytes as two bytes already, which the product would make of them.
        codes: (n, width) int8.
        first: The first row.
        totals: (m,) int32, filled: of `first` and those after it.
    """
    if query.shape[0] != _COMMON:
        for r in range(totals.shape[0]):
            totals[r] = byte_product(query, codes, first + r)
        return
    for r in range(totals.shape[0]):
        total = np.int32(0)
        for j in range(_COMMON):  # a number that the compiler knows: 0.6 of the time
            total = np.int32(total + np.int32(np.int32(query[j]) * np.int32(codes[first + r, j])))
        totals[r] = total


@numba.njit(cache=True, nogil=True, fastmath=REORDERED)
def product(query, vectors, row):
    """The product of a query (d,) float32 with one of vectors (n, d) float32."""
    total = np.float32(0.0)
    for j in range(query.shape[0]):
        total += query[j] * vectors[row, j]
    return total
