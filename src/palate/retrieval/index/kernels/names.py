"""A hash table from ids to slots over plain arrays, so that processes can map and share it.

An id is its UTF-8 bytes in a heap, behind two bytes of length; a slot knows where its id stands
there; the table holds slots, open addressing with linear probing (Knuth, "The Art of Computer
Programming" 3, section 6.4, algorithm L), hashed by FNV-1a (Fowler, Noll, Vo; 64 bits).
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["EMPTY", "GONE", "HEAD", "compact", "find", "gather", "put", "rehash", "remove"]

EMPTY = -1  # nothing was ever here
GONE = -2  # something was, so who looks goes on
HEAD = 2  # bytes of length before an id


@numba.njit(cache=True, nogil=True)
def find(keys, ends, heap, starts, table, out):
    """The slot of each key, -1 for none.

    Args:
        keys: uint8, keys one behind another.
        ends: (n,) int64, where each ends.
        heap: uint8.
        starts: (n_slots,) uint32, where the id of each slot stands in the heap.
        table: (a power of two,) int32.
        out: (n,) int32, filled.

    Each step is done for all keys before the next, so that they wait for memory together.
    """
    n, mask = ends.shape[0], table.shape[0] - 1
    begin = 0
    for at in range(n):  # where most stand: at the first place that they are looked for
        out[at] = table[_hashed(keys, begin, ends[at]) & mask]
        begin = ends[at]
    where = np.zeros(n, np.int64)
    for at in range(n):
        if out[at] >= 0:
            where[at] = starts[out[at]]
    begin = 0
    for at in range(n):
        if out[at] < 0 or not _same(keys, begin, ends[at], heap, where[at]):
            out[at] = table[_place(keys, begin, ends[at], heap, starts, table)]
        begin = ends[at]


@numba.njit(cache=True, nogil=True)
def put(keys, ends, slots, heap, used, starts, table, old):
    """Let each key, none twice, mean another slot.

    Args:
        keys: As for `find`, and so are heap, starts and table, which have room.
        ends: As for `find`.
        slots: (n,) int32.
        heap: Grows at its end.
        used: Bytes of it.
        starts: Written for each slot.
        table: Written.
        old: (n,) int32, filled: the slot that the key meant before, -1 for none.

    Returns:
        Bytes of the heap used now, and how many keys are new.
    """
    begin, new = 0, 0
    for at in range(ends.shape[0]):
        stop = ends[at]
        place = _place(keys, begin, stop, heap, starts, table)
        old[at] = max(table[place], -1)
        if old[at] >= 0:
            starts[slots[at]] = starts[old[at]]
        else:
            length = stop - begin
            heap[used], heap[used + 1] = length & 255, length >> 8
            heap[used + HEAD : used + HEAD + length] = keys[begin:stop]
            starts[slots[at]] = used
            used += HEAD + length
            new += 1
        table[place] = slots[at]
        begin = stop
    return used, new


@numba.njit(cache=True, nogil=True)
def remove(keys, ends, heap, starts, table, old):
    """Forget keys; `old` (n,) int32 is filled with the slots they meant, -1 for none."""
    begin = 0
    for at in range(ends.shape[0]):
        place = _place(keys, begin, ends[at], heap, starts, table)
        old[at] = table[place]
        if old[at] >= 0:
            table[place] = GONE
        begin = ends[at]


@numba.njit(cache=True, nogil=True)
def gather(slots, heap, starts):
    """The ids of slots as one row of bytes, a zero byte between two."""
    n = slots.shape[0]
    where, lengths = np.empty(n, np.int64), np.empty(n, np.int64)
    for at in range(n):
        where[at] = starts[slots[at]]
    total = 0
    for at in range(n):
        lengths[at] = np.int64(heap[where[at]]) + 256 * np.int64(heap[where[at] + 1])
        total += 1 + lengths[at]
    out = np.zeros(max(total - 1, 0), np.uint8)
    begin = 0
    for at in range(n):
        first = where[at] + HEAD
        for byte in range(lengths[at]):
            out[begin + byte] = heap[first + byte]
        begin += lengths[at] + 1
    return out


@numba.njit(cache=True, nogil=True)
def rehash(table, heap, starts, out):
    """Write every slot of `table` into `out`, a table of -1."""
    mask = out.shape[0] - 1
    for slot in table:
        if slot < 0:
            continue
        start = np.int64(starts[slot])
        length = np.int64(heap[start]) + 256 * np.int64(heap[start + 1])
        place = _hashed(heap, start + HEAD, start + HEAD + length) & mask
        while out[place] != EMPTY:
            place = (place + 1) & mask
        out[place] = slot


@numba.njit(cache=True, nogil=True)
def compact(heap, used, starts, named, out, out_starts):
    """Copy the ids of all named slots to a new heap, one that several share once.

    Args:
        heap: Whose first `used` bytes are ids.
        used: Bytes.
        starts: (n,) uint32.
        named: (n,) whether the slot has an id.
        out: uint8, as long as the heap at least.
        out_starts: (n,) uint32, filled for the named.

    Returns:
        Bytes of the new heap.
    """
    moved = np.full(used, -1, np.int64)
    at = np.int64(HEAD)
    for slot in range(named.shape[0]):
        if not named[slot]:
            continue
        start = np.int64(starts[slot])
        if moved[start] < 0:
            length = HEAD + np.int64(heap[start]) + 256 * np.int64(heap[start + 1])
            out[at : at + length] = heap[start : start + length]
            moved[start] = at
            at += length
        out_starts[slot] = moved[start]
    return at


@numba.njit(cache=True, nogil=True)
def _place(keys, begin, stop, heap, starts, table):
    """Where a key stands in the table, or the first free place for it."""
    mask = table.shape[0] - 1
    place = _hashed(keys, begin, stop) & mask
    free = -1
    while table[place] != EMPTY:
        slot = table[place]
        if slot >= 0:
            if _same(keys, begin, stop, heap, np.int64(starts[slot])):
                return place
        elif free < 0:
            free = place
        place = (place + 1) & mask
    return free if free >= 0 else place


@numba.njit(cache=True, nogil=True)
def _same(keys, begin, stop, heap, start):
    length = np.int64(heap[start]) + 256 * np.int64(heap[start + 1])
    if length != stop - begin:
        return False
    at = 0
    while at < length and heap[start + HEAD + at] == keys[begin + at]:
        at += 1
    return at == length


@numba.njit(cache=True, nogil=True)
def _hashed(raw, begin, stop):
    value = np.uint64(14695981039346656037)
    for at in range(begin, stop):
        value = (value ^ np.uint64(raw[at])) * np.uint64(1099511628211)
    return np.int64((value ^ (value >> np.uint64(32))) & np.uint64(0x7FFFFFFFFFFFFFFF))
