"""Compiled loops of the index: quantising rows, scanning lists of codes, scoring exactly."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["BLOCK", "ROOM", "quantise", "rescore", "scan_lists", "scan_slots"]

BLOCK = 64  # rows of one list that stand together
ROOM = 4  # candidates collected before the worst are dropped, as a multiple of those wanted


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
def _products(query, codes, out):  # type: ignore[no-untyped-def]
    """The products of a query's code with the (BLOCK, width) codes of one block, into `out`.

    A loop over plain rows is what the compiler turns into byte products; sums are cast back at
    each step, for otherwise they are 64 bits wide, at a tenth of the speed.
    """
    for r in range(codes.shape[0]):
        total = np.int32(0)
        for j in range(query.shape[0]):
            total = np.int32(total + np.int32(np.int32(query[j]) * np.int32(codes[r, j])))
        out[r] = total


@numba.njit(cache=True, nogil=True)
def _keep_best(scores, slots, held, wanted):  # type: ignore[no-untyped-def]
    """Move the best `wanted` of `held` candidates to the front; how many there are, the floor.

    Some hundred at a time: a heap would be put in order for every candidate.
    """
    if held <= wanted:
        return held, np.float32(-np.inf)
    floor = np.partition(scores[:held], held - wanted)[held - wanted]
    equals = wanted  # of those at the floor, so many stay
    for at in range(held):
        if scores[at] > floor:
            equals -= 1
    kept = 0
    for at in range(held):
        level = scores[at] == floor
        if scores[at] > floor or (level and equals > 0):
            scores[kept], slots[kept] = scores[at], slots[at]
            kept += 1
            if level:
                equals -= 1
    return kept, floor


@numba.njit(cache=True, nogil=True)
def scan_lists(query, scale, lists, heads, following, rows, allowed, wanted, found):  # type: ignore[no-untyped-def]
    """The rows of some lists that come nearest by their codes.

    Args:
        query: (width,) int8.
        scale: Of the query's code, float32.
        lists: (m,) int32, which.
        heads: (n_lists,) int32 first block of each, -1 for none.
        following: (n_blocks,) int32 the block after each, -1 at the end.
        rows: codes (n, width) int8, scales (n,), biases (n,) float32, alive (n,) uint8.
        allowed: (n,) uint8, 1 for rows that may be found; of length 0: all.
        wanted: How many to find.
        found: scores float32 and slots int32, (ROOM * wanted,) each, filled in no order.

    Returns:
        How many were found, at most `wanted`.
    """
    codes, scales, biases, alive = rows
    scores, slots = found
    products = np.empty(BLOCK, np.int32)
    held, room, floor = 0, scores.shape[0], np.float32(-np.inf)
    masked = allowed.shape[0] > 0
    for which in lists:
        block = heads[which]
        while block >= 0:
            first = block * BLOCK
            _products(query, codes[first : first + BLOCK], products)
            for r in range(BLOCK):
                slot = first + r
                near = np.float32(products[r] * (scales[slot] * scale) + biases[slot])
                if near <= floor or alive[slot] == 0 or (masked and allowed[slot] == 0):
                    continue
                scores[held], slots[held] = near, slot
                held += 1
                if held == room:
                    held, floor = _keep_best(scores, slots, held, wanted)
            block = following[block]
    return _keep_best(scores, slots, held, wanted)[0]


@numba.njit(cache=True, nogil=True)
def scan_slots(query, scale, some, rows, wanted, found):  # type: ignore[no-untyped-def]
    """As `scan_lists`, over given rows: (m,) int32 slots, no slot twice."""
    codes, scales, biases, alive = rows
    scores, slots = found
    held, room = 0, scores.shape[0]
    for slot in some:
        if alive[slot] == 0:
            continue
        total = np.int32(0)
        for j in range(query.shape[0]):
            total = np.int32(total + np.int32(np.int32(query[j]) * np.int32(codes[slot, j])))
        scores[held], slots[held] = np.float32(total * (scales[slot] * scale) + biases[slot]), slot
        held += 1
        if held == room:
            held, _ = _keep_best(scores, slots, held, wanted)
    return _keep_best(scores, slots, held, wanted)[0]


@numba.njit(cache=True, nogil=True)
def rescore(query, vectors, biases, slots, scores):  # type: ignore[no-untyped-def]
    """Score rows by their float32 vectors: query (d,), slots (m,) int32, scores (m,) filled."""
    for at in range(slots.shape[0]):
        slot = slots[at]
        total = np.float32(0.0)
        for j in range(query.shape[0]):
            total += query[j] * vectors[slot, j]
        scores[at] = total + biases[slot]
