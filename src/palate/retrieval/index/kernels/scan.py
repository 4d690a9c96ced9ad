"""Scans over rows' codes: which rows of some lists, or of some slots, come nearest."""

from __future__ import annotations

import numba
import numpy as np

from palate.retrieval.index.kernels.codes import byte_product, byte_products

__all__ = ["BLOCK", "ROOM", "scan_lists", "scan_slots"]

BLOCK = 64  # rows of one list that stand together
BUCKETS = 256  # of scores, that candidates are counted in
ROOM = 4  # candidates collected before the worst are dropped, as a multiple of those wanted


@numba.njit(cache=True, nogil=True)
def scan_lists(query, scale, lists, chain, rows, allowed, wanted, found, held):
    """Add to what was found the rows of some lists that come nearest by their codes.

    Args:
        query: (width,) int16, each a signed byte.
        scale: Of the query's code, float32.
        lists: (m,) int32, which, the most promising first; and (m,) float32, what a good row of
            each may score. The first that cannot come near what was found ends the scan.
        chain: (n_lists,) int32 first block of each list, -1 for none; and (n_blocks,) int32 the
            block after each, -1 at the end.
        rows: codes (n, width) int8, scales (n,), biases (n,) float32, alive (n,) uint8; biases
            of length 0: all are 0.
        allowed: (n,) uint8, 0 for rows that may not be found; of length 0: all may.
        wanted: How many to find.
        found: scores float32 and slots int32, (ROOM * wanted,) each, filled in no order.
        held: How many were found before.

    Returns:
        How many there are now, the best of all; of those that come next perhaps a few, and at
        most as many again as are wanted; and whether the scan ended before the last list.
    """
    codes, scales, biases, alive = rows
    scores, slots = found
    totals, near = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
    counts = np.empty(BUCKETS, np.int64)
    held, tally, floor = _counted(scores, slots, held, wanted, counts)
    base, steps, bucket, better = tally
    masked, biased = allowed.shape[0] > 0, biases.shape[0] > 0
    which, promises = lists
    heads, following = chain
    ended = False
    for at in range(len(which)):
        if promises[at] < floor:
            ended = True
            break
        block = heads[which[at]]
        while block >= 0:
            first = block * BLOCK
            block = following[block]
            if masked and not _any_allowed(allowed, first):
                continue
            byte_products(query, codes, first, totals)
            # Apart from the products, so that each loop is vectorised.
            for r in range(BLOCK):
                near[r] = np.float32(totals[r]) * (scales[first + r] * scale)
            if biased:  # else they are not read: a place in memory less for each block
                for r in range(BLOCK):
                    near[r] += biases[first + r]
            above = np.int32(0)
            for r in range(BLOCK):
                above = np.int32(above + np.int32(near[r] > floor))
            if above == 0:
                continue
            for r in range(BLOCK):
                slot = first + r
                if near[r] <= floor or alive[slot] == 0 or (masked and allowed[slot] == 0):
                    continue
                scores[held], slots[held] = near[r], slot
                held += 1
                if steps > 0:
                    counts[_bucket_of(near[r], base, steps)] += 1
                    better += 1
                    while better - counts[bucket] >= wanted:
                        better -= counts[bucket]
                        bucket += 1
                        floor = np.float32(base + bucket / steps)
                if held == scores.shape[0]:
                    if steps > 0:
                        held = _drop_below(scores, slots, held, (base, steps, bucket))
                    if 2 * held > scores.shape[0]:  # many are equal, or nothing was counted yet
                        held, tally, floor = _counted(scores, slots, held, wanted, counts)
                        base, steps, bucket, better = tally
    if steps > 0:
        held = _drop_below(scores, slots, held, (base, steps, bucket))
    if steps == 0 or 2 * held > scores.shape[0]:
        held = _keep_best(scores, slots, held, wanted)[0]
    return held, ended


@numba.njit(cache=True, nogil=True)
def scan_slots(query, scale, some, rows, wanted, found):
    """As `scan_lists`, over given rows: (m,) int32 slots, no slot twice."""
    codes, scales, biases, alive = rows
    scores, slots = found
    biased = biases.shape[0] > 0
    held, floor = 0, np.float32(-np.inf)
    for slot in some:
        near = np.float32(byte_product(query, codes, slot)) * (scales[slot] * scale)
        if biased:
            near += biases[slot]
        if near <= floor or alive[slot] == 0:
            continue
        scores[held], slots[held] = near, slot
        held += 1
        if held == scores.shape[0]:
            held, floor = _keep_best(scores, slots, held, wanted)
    return _keep_best(scores, slots, held, wanted)[0]


@numba.njit(cache=True, nogil=True)
def _counted(scores, slots, held, wanted, counts):
    """Count candidates by score, so that the floor rises with each that comes, at little cost.

    Where as many as are wanted stand in higher buckets, the lowest is given up. What the buckets
    do not tell apart is put in order instead, which takes ten times as long.

    Returns:
        How many candidates are left; where the buckets begin, how many there are to a unit of
        score (0: there are none), the lowest that counts, and how many stand in it and above;
        and the floor.
    """
    counts[:] = 0
    none = np.float32(0.0), np.float32(0.0), 0, held
    if held < wanted:
        return held, none, np.float32(-np.inf)
    base, highest = scores[0], scores[0]
    for at in range(held):
        base, highest = min(base, scores[at]), max(highest, scores[at])
    steps = np.float32(BUCKETS // 2) / (highest - base) if highest > base else np.float32(0.0)
    if 0 < steps < np.inf:  # the upper half is for better ones to come
        for at in range(held):
            counts[_bucket_of(scores[at], base, steps)] += 1
        bucket, better = 0, held
        while better - counts[bucket] >= wanted:
            better -= counts[bucket]
            bucket += 1
        if 2 * better <= scores.shape[0]:
            held = _drop_below(scores, slots, held, (base, steps, bucket))
            return held, (base, steps, bucket, better), np.float32(base + bucket / steps)
    held, floor = _keep_best(scores, slots, held, wanted)
    return held, none, floor


@numba.njit(cache=True, nogil=True)
def _bucket_of(score, base, steps):
    # In float32 first: a huge number would not fit an integer.
    return np.int64(min((score - base) * steps, np.float32(BUCKETS - 1)))


@numba.njit(cache=True, nogil=True)
def _drop_below(scores, slots, held, lowest):
    """Move the candidates of a bucket and above to the front; how many there are."""
    base, steps, bucket = lowest
    kept = 0
    for at in range(held):
        scores[kept], slots[kept] = scores[at], slots[at]
        kept += _bucket_of(scores[at], base, steps) >= bucket
    return kept


@numba.njit(cache=True, nogil=True)
def _any_allowed(allowed, first):
    """Whether a mask lets through any row of a block; one shorter than the rows lets none."""
    if first + BLOCK > allowed.shape[0]:
        return False
    some = np.uint8(0)
    for r in range(BLOCK):
        some |= allowed[first + r]
    return some != 0


@numba.njit(cache=True, nogil=True)
def _keep_best(scores, slots, held, wanted):
    """Move the best `wanted` of `held` candidates to the front; how many there are, the floor."""
    if held < wanted:
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
