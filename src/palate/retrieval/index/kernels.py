"""Compiled loops of the index: quantising rows, scanning lists of codes, scoring exactly."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.heap import heap_push, heap_sort

__all__ = ["BLOCK", "quantise", "rescore", "scan_lists", "scan_slots"]

BLOCK = 64  # rows of one list that stand together


@numba.njit(cache=True, nogil=True)
def quantise(vectors, codes, scales):  # type: ignore[no-untyped-def]
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
def _product(a, b, row):  # type: ignore[no-untyped-def]
    """The product of int8 codes a and b[row], int32."""
    total = np.int32(0)
    for j in range(a.shape[0]):
        total += np.int32(a[j]) * np.int32(b[row, j])
    return total


@numba.njit(cache=True, nogil=True)
def scan_lists(query, scale, lists, heads, following, rows, allowed, heap_score, heap_slot):  # type: ignore[no-untyped-def]
    """The rows of some lists that come nearest by their codes.

    Args:
        query: (width,) int8.
        scale: Of the query's code, float32.
        lists: (m,) int32, which.
        heads: (n_lists,) int32 first block of each, -1 for none.
        following: (n_blocks,) int32 the block after each, -1 at the end.
        rows: codes (n, width) int8, scales (n,), biases (n,) float32, alive (n,) uint8.
        allowed: (n,) uint8, 1 for rows that may be found; of length 0: all.
        heap_score: (capacity,) float64, filled as a heap with the worst on top.
        heap_slot: (capacity,) int32, filled.

    Returns:
        How many were found, and how many rows were looked at.
    """
    codes, scales, biases, alive = rows
    held, seen, capacity = 0, 0, heap_score.shape[0]
    for which in lists:
        block = heads[which]
        while block >= 0:
            for slot in range(block * BLOCK, block * BLOCK + BLOCK):
                if alive[slot] == 0 or (allowed.shape[0] > 0 and allowed[slot] == 0):
                    continue
                seen += 1
                near = _product(query, codes, slot) * (scales[slot] * scale) + biases[slot]
                if held < capacity or near > heap_score[0]:
                    held = heap_push(heap_score, heap_slot, held, np.float64(near), slot)
            block = following[block]
    return held, seen


@numba.njit(cache=True, nogil=True)
def scan_slots(query, scale, slots, rows, heap_score, heap_slot):  # type: ignore[no-untyped-def]
    """As `scan_lists`, over given rows: (m,) int32 slots, no slot twice."""
    codes, scales, biases, alive = rows
    held, capacity = 0, heap_score.shape[0]
    for slot in slots:
        if alive[slot] == 0:
            continue
        near = _product(query, codes, slot) * (scales[slot] * scale) + biases[slot]
        if held < capacity or near > heap_score[0]:
            held = heap_push(heap_score, heap_slot, held, np.float64(near), slot)
    return held


@numba.njit(cache=True, nogil=True)
def rescore(query, vectors, biases, heap_score, heap_slot, held):  # type: ignore[no-untyped-def]
    """Score what was found by its float32 vectors, and order it, best first, in place.

    Args:
        query: (d,) float32.
        vectors: (n, d) float32.
        biases: (n,) float32.
        heap_score: (capacity,) float64.
        heap_slot: (capacity,) int32.
        held: How many of them are filled.
    """
    d = query.shape[0]
    found = heap_slot[:held].copy()
    size = 0
    for slot in found:
        total = np.float32(0.0)
        for j in range(d):
            total += query[j] * vectors[slot, j]
        size = heap_push(heap_score, heap_slot, size, np.float64(total + biases[slot]), slot)
    heap_sort(heap_score, heap_slot, size)
