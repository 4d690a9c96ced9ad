"""Which item stands in which slot: ids and slots by each other, in arrays that can be mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.errors import DataError
from palate.retrieval.index.kernels.names import (
    EMPTY,
    HEAD,
    compact,
    find,
    gather,
    put,
    rehash,
    remove,
)
from palate.retrieval.index.region import reserved
from palate.types import Int32Array, Int64Array

__all__ = ["LONGEST_ID", "NameArrays", "Names", "last_of_each", "named", "packed"]

LONGEST_ID: Final = 65_535  # bytes of UTF-8
_SPARE: Final = 4  # address space, as a multiple of what is used
_LEAST: Final = 1 << 18  # bytes and slots of address space
_LARGEST_HEAP: Final = (1 << 32) - 1
_FULL: Final = 0.6  # of the table; beyond, it is made anew
_ROOMY: Final = 0.4  # how full it is then, at most


class NameArrays(NamedTuple):
    """What a reader takes once.

    Attributes:
        heap: uint8, ids behind their lengths.
        starts: (n_slots,) uint32, where the id of each slot stands there.
        table: (a power of two,) int32, slots by the hash of their ids.
    """

    heap: NDArray[np.uint8]
    starts: NDArray[np.uint32]
    table: Int32Array


class Names:
    """Ids of slots and slots of ids. One thread at a time changes it; any may read.

    Args:
        arrays: As they were kept; None for none.
        counts: `used` bytes of the heap, `held` ids, `filled` places of the table, as
            `counts` gave them.
    """

    def __init__(
        self, arrays: NameArrays | None = None, counts: Mapping[str, int] | None = None
    ) -> None:
        if arrays is None:
            arrays = NameArrays(
                reserved(_LEAST, np.empty(0, np.uint8)),
                reserved(_LEAST, np.empty(0, np.uint32)),
                np.full(16, EMPTY, np.int32),
            )
        self.arrays = arrays
        said = counts or {}
        self._used = said.get("used", HEAD)  # none stands at 0: that is a slot without an id
        self._held = said.get("held", 0)
        self._filled = said.get("filled", 0)  # with places that are given up

    def __len__(self) -> int:
        """Ids held."""
        return self._held

    @property
    def counts(self) -> dict[str, int]:
        """What `Names` takes beside the arrays."""
        return {"used": self._used, "held": self._held, "filled": self._filled}

    def find(self, ids: Sequence[str]) -> Int32Array:
        """(n,) int32 slots; -1 for ids that are not held."""
        keys, ends = packed(ids)
        out = np.empty(len(ids), np.int32)
        find(keys, ends, *self.arrays, out)
        return np.maximum(out, -1)

    def put(self, ids: Sequence[str], slots: Int32Array, n_slots: int) -> Int32Array:
        """Let ids, none twice, stand in other slots; (n,) int32 the old ones, -1 for none.

        Args:
            ids: (n,).
            slots: (n,) int32.
            n_slots: How many there are at all.

        Raises:
            DataError: An id is too long or holds a zero byte.
        """
        keys, ends = packed(ids)
        self._make_room(len(keys) + HEAD * len(ids), len(ids), n_slots)
        old = np.empty(len(ids), np.int32)
        heap, starts, table = self.arrays
        self._used, new = put(keys, ends, slots, heap, self._used, starts, table, old)
        self._held += new
        self._filled += new  # or fewer: some take places that were given up
        return old

    def remove(self, ids: Sequence[str]) -> Int32Array:
        """Forget ids; the slots of those that were held."""
        keys, ends = packed(ids)
        old = np.empty(len(ids), np.int32)
        remove(keys, ends, *self.arrays, old)
        gone = old[old >= 0]
        self._held -= len(gone)
        return gone

    def kept(self) -> NameArrays:
        """The arrays without spare room."""
        heap, starts, table = self.arrays
        return NameArrays(heap[: self._used], starts, table)

    def slots(self) -> Int32Array:
        """(n,) int32 rising: where the items held stand."""
        table = self.arrays.table
        return np.sort(table[table >= 0])

    def _make_room(self, n_bytes: int, n_ids: int, n_slots: int) -> None:
        heap, starts, table = self.arrays
        if n_slots > len(starts):
            more = reserved(_SPARE * n_slots, starts)
            more[: len(starts)] = starts
            starts = more
        if self._used + n_bytes > len(heap):
            heap, starts = self._compacted(n_bytes, starts)
        if self._filled + n_ids > _FULL * len(table):
            size = 16
            while self._held + n_ids > _ROOMY * size:
                size *= 2
            fresh = np.full(size, EMPTY, np.int32)
            rehash(table, heap, starts, fresh)
            table, self._filled = fresh, self._held
        self.arrays = NameArrays(heap, starts, table)

    def _compacted(self, n_bytes: int, starts: NDArray[np.uint32]) -> tuple[Any, Any]:
        """A heap without what nobody is called any more, with room for more."""
        heap, _, table = self.arrays
        dense = reserved(self._used, heap)
        fresh_starts = reserved(len(starts), starts)
        # Rows given up that some search may still name keep theirs: whatever was ever named.
        named = np.zeros(len(starts), np.bool_)
        named[table[table >= 0]] = True
        named |= starts != 0
        used = int(compact(heap, self._used, starts, named, dense, fresh_starts))
        if used + n_bytes > _LARGEST_HEAP:
            raise DataError("ids of an index hold 4 GiB at most", hint="use shorter ids")
        fresh = reserved(min(max(_SPARE * (used + n_bytes), _LEAST), _LARGEST_HEAP), heap)
        fresh[:used] = dense[:used]
        self._used = used
        return fresh, fresh_starts


def packed(ids: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Ids as bytes one behind another, and where each ends: uint8, (n,) int64.

    Raises:
        DataError: An id is too long or holds a zero byte.
    """
    together = "".join(ids)
    whole = together.encode("utf-8", "surrogatepass")
    each: Sequence[str | bytes] = ids
    if len(whole) != len(together):  # a letter is not a byte in some of them
        each = [one.encode("utf-8", "surrogatepass") for one in ids]
    ends = np.fromiter(accumulate(map(len, each)), np.int64, len(ids))
    if len(whole) > LONGEST_ID and (longest := max(map(len, each))) > LONGEST_ID:
        raise DataError(f"an id has {longest:,} bytes, more than {LONGEST_ID:,}")
    if b"\0" in whole:
        raise DataError("an id holds a zero byte")
    return np.frombuffer(whole or b"\0", np.uint8), ends


def named(slots: Int32Array, arrays: NameArrays) -> list[str]:
    """The ids of slots."""
    if not len(slots):
        return []
    return str(gather(slots, arrays.heap, arrays.starts), "utf-8", "surrogatepass").split("\0")


def last_of_each(ids: Sequence[str]) -> Int64Array:
    """Where each id stands, and of equal ones the last: int64 places, rising."""
    if len(set(ids)) == len(ids):
        return np.arange(len(ids))
    last = {one: place for place, one in enumerate(ids)}
    return np.sort(np.fromiter(last.values(), np.int64, len(last)))
