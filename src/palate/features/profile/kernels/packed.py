"""Packed statistics, compiled: adding one person's to another's, and reading them by place."""

from __future__ import annotations

import numba
import numpy as np

from palate.features.profile.kernels.believe import believe

__all__ = ["joined", "packed_vector"]

MOST_HALVINGS = 64.0  # as in `statistics`
HEAD = 2  # words before the moments: unit, entries
ATTRIBUTE_BITS = 54  # of a code, below the number of its attribute


@numba.njit(cache=True, nogil=True)
def _is_empty(words, floats, n_numbers):
    empty = words[1] == 0
    for j in range(n_numbers):
        empty = empty and floats[HEAD + 3 * j] <= 0.0
    return empty


@numba.njit(cache=True, nogil=True)
def _factor_at(words, floats, n_numbers, at_us, half_life_us):
    """The weight of an event of that moment in our unit, which may be moved."""
    if _is_empty(words, floats, n_numbers):
        words[0] = at_us
        return 1.0
    halvings = (at_us - words[0]) / half_life_us
    if halvings <= MOST_HALVINGS:
        return 2.0**halvings
    factor = 2.0**-halvings
    for j in range(n_numbers):
        floats[HEAD + 3 * j] *= factor
        floats[HEAD + 3 * j + 2] *= factor
    for at in range(HEAD + 3 * n_numbers, len(words), 2):
        floats[at + 1] *= factor
    words[0] = at_us
    return 1.0


@numba.njit(cache=True, nogil=True)
def joined(mine, others, n_numbers, weight, at_us, half_life_us):
    """What two know together: `mine`, (w,) int64, changed where it is, or a longer copy.

    A word is an int64 or the bits of a float64: unit in microseconds, number of entries,
    (n, mean, M2) of each number, then (code, weight) of each entry.

    Args:
        mine: Writable.
        others: (v,) int64, alike.
        n_numbers: How many numbers both have.
        weight: What all weights of `others` are multiplied with, above 0.
        at_us: The moment of which these weights are.
        half_life_us: In microseconds.
    """
    theirs = others.view(np.float64)
    if _is_empty(others, theirs, n_numbers):
        return mine
    floats = mine.view(np.float64)
    share = weight * _factor_at(mine, floats, n_numbers, at_us, half_life_us)
    if share == 0.0:  # older than a float can say
        return mine
    for j in range(n_numbers):
        at = HEAD + 3 * j
        more = theirs[at] * share
        n = floats[at] + more
        if more > 0.0:
            apart = theirs[at + 1] - floats[at + 1]
            floats[at + 2] += theirs[at + 2] * share + apart * apart * floats[at] * (more / n)
            floats[at + 1] += apart * (more / n)
            floats[at] = n
    start = HEAD + 3 * n_numbers
    end = len(mine)
    missing = 0
    for other in range(start, len(others), 2):
        found = False
        for at in range(start, end, 2):
            if mine[at] == others[other]:
                floats[at + 1] += theirs[other + 1] * share
                found = True
                break
        missing += not found
    if missing == 0:
        return mine
    grown = np.empty(end + 2 * missing, np.int64)
    grown[:end] = mine
    floats = grown.view(np.float64)
    place = end
    for other in range(start, len(others), 2):
        found = False
        for at in range(start, end, 2):
            if mine[at] == others[other]:
                found = True
                break
        if not found:
            grown[place] = others[other]
            floats[place + 1] = theirs[other + 1] * share
            place += 2
    grown[1] += missing
    return grown


@numba.njit(cache=True, nogil=True)
def packed_vector(words, now_us, half_life_us, index, tables, out):
    """Fill `out`, (size,) float32, as `believe` does, from packed statistics.

    Args:
        words: (w,) int64 as in `joined`; more may follow.
        now_us: The moment.
        half_life_us: In microseconds.
        index: codes (2^b,) int64, -1 where there is none, and places (2^b,) int64: an open
            hash table of the values with a place; others (n_categories,) int64, the place of
            all other values of each attribute, -1 for none; firsts (n_numbers,) int64.
        tables: What `believe` reads: categories, alpha, usual, numbers, normal.
        out: (size,) float32.
    """
    codes, places, others, firsts = index
    categories, alpha, usual, numbers, normal = tables
    floats = words.view(np.float64)
    kept = np.zeros(out.shape[0])
    for j in range(firsts.shape[0]):
        if firsts[j] >= 0:
            for part in range(3):
                kept[firsts[j] + part] = floats[HEAD + 3 * j + part]
    start = HEAD + 3 * firsts.shape[0]
    mask = codes.shape[0] - 1
    for at in range(start, start + 2 * words[1], 2):
        code = words[at]
        other = others[code >> ATTRIBUTE_BITS]
        if other < 0:
            continue
        slot = code & mask
        while codes[slot] != code and codes[slot] >= 0:
            slot = (slot + 1) & mask
        kept[places[slot] if codes[slot] == code else other] += floats[at + 1]
        kept[other + 1] += floats[at + 1]
    halvings = (now_us - words[0]) / half_life_us
    factor = 2.0 ** -max(halvings, -MOST_HALVINGS)
    believe(kept, factor, categories, alpha, usual, numbers, normal, out)
