"""Packed statistics, compiled: adding one person's to another's, and reading them by place."""

from __future__ import annotations

import numba
import numpy as np

from palate.features.profile.kernels.believe import believe

__all__ = ["indexed", "joined", "packed_vector", "roomy"]

MOST_HALVINGS = 64.0  # as in `statistics`
HEAD = 2  # words before the moments: unit, entries
MOST = (1 << 16) - 1  # that a slot holds
ATTRIBUTE_BITS = 54  # of a code, below the number of its attribute


@numba.njit(cache=True, nogil=True)
def slots_of(entries):
    """Of the hash table over so many entries: a power of two that they fill two thirds at most."""
    slots = 4
    while 2 * slots < 3 * entries:
        slots *= 2
    return slots


@numba.njit(cache=True, nogil=True)
def _found(words, head, slots, entries, code):
    """The slot of a code, in quarters of a word, and its entry; else the free slot, and 0."""
    index = words.view(np.uint16)
    start = head + slots // 4
    slot = code & (slots - 1)
    while True:
        entry = np.int64(index[4 * head + slot])
        if entry == 0:
            return 4 * head + slot, entry
        while entry <= entries:
            if words[start + 2 * entry - 2] == code:
                return 4 * head + slot, entry
            entry += MOST
        slot = (slot + 1) & (slots - 1)


@numba.njit(cache=True, nogil=True)
def _fill(words, head, slots):
    index, start = words.view(np.uint16), head + slots // 4
    words[head:start] = 0
    for entry in range(1, words[1] + 1):
        slot, _ = _found(words, head, slots, entry - 1, words[start + 2 * entry - 2])
        index[slot] = (entry - 1) % MOST + 1


@numba.njit(cache=True, nogil=True)
def indexed(words, n_numbers):
    """Fill the slots of `words`, (w,) int64 as in `joined`, from its entries, in their order."""
    _fill(words, HEAD + 3 * n_numbers, slots_of(words[1]))


@numba.njit(cache=True, nogil=True)
def roomy(words, n_numbers):
    """A copy of `words`, (w,) int64, with room for as many entries as its slots allow."""
    slots = slots_of(words[1])
    start = HEAD + 3 * n_numbers + slots // 4
    end = start + 2 * words[1]
    copy = np.empty(start + 2 * (2 * slots // 3), np.int64)
    copy[:end] = words[:end]
    return copy


@numba.njit(cache=True, nogil=True)
def _wider(words, n_numbers):
    """The same with room for one more entry, where there is none: with twice the slots."""
    entries = words[1]
    slots = 2 * slots_of(entries)
    head = HEAD + 3 * n_numbers
    before, start = head + slots // 8, head + slots // 4
    wide = np.empty(start + 2 * (2 * slots // 3), np.int64)
    wide[:head] = words[:head]
    wide[start : start + 2 * entries] = words[before : before + 2 * entries]
    _fill(wide, head, slots)
    return wide


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
    start = HEAD + 3 * n_numbers + slots_of(words[1]) // 4
    for at in range(start, start + 2 * words[1], 2):
        floats[at + 1] *= factor
    words[0] = at_us
    return 1.0


@numba.njit(cache=True, nogil=True)
def joined(mine, others, n_numbers, weight, at_us, half_life_us):
    """What two know together, in time that depends on `others` alone.

    A word is an int64 or the bits of a float64: unit in microseconds, number of entries,
    (n, mean, M2) of each number; four slots of a hash table each, `slots_of` in all; then (code,
    weight) of each entry. A slot is a uint16: the number of an entry, from 1, less as often `MOST`
    as it can be, at the first free place from the lowest bits of its code on; 0 for none. Where the
    entries outgrow the slots these are doubled, and once in `MOST_HALVINGS` half-lives all weights
    are moved to another unit.

    Args:
        mine: (w,) int64, `roomy`.
        others: (v,) int64, alike; more may follow.
        n_numbers: How many numbers both have.
        weight: What all weights of `others` are multiplied with, above 0.
        at_us: The moment of which these weights are.
        half_life_us: In microseconds.

    Returns:
        `mine`, changed where it is, or a longer array in its place.
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
    head = HEAD + 3 * n_numbers
    slots = slots_of(mine[1])
    index = mine.view(np.uint16)
    first = head + slots_of(others[1]) // 4
    for other in range(first, first + 2 * others[1], 2):
        code, more = others[other], theirs[other + 1] * share
        slot, entry = _found(mine, head, slots, mine[1], code)
        if entry > 0:
            floats[head + slots // 4 + 2 * entry - 1] += more
            continue
        if 2 * slots < 3 * (mine[1] + 1):
            mine = _wider(mine, n_numbers)
            floats, index, slots = mine.view(np.float64), mine.view(np.uint16), 2 * slots
            slot, _ = _found(mine, head, slots, mine[1], code)
        at = head + slots // 4 + 2 * mine[1]
        mine[at], floats[at + 1] = code, more
        index[slot] = mine[1] % MOST + 1
        mine[1] += 1
    return mine


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
    start = HEAD + 3 * firsts.shape[0] + slots_of(words[1]) // 4
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
