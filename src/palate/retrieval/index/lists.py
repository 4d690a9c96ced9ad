"""Rows of an index: which list each stands in, where there is room, what may be used again.

A list is a chain of blocks, a block is `BLOCK` rows (slots) that stand together. A row is
written once: a new vector of an item gets a slot of its own, so a search that runs meanwhile
sees the old row or the new one, never half of each, and never neither. A row that was given up
goes through three states: stale (searches that began before may still find it), dead (none
finds it), and, when every search that may hold it has ended, room for another.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from weakref import ref

import numpy as np

from palate.retrieval.index.arrays import Arrays
from palate.retrieval.index.kernels.codes import quantise
from palate.retrieval.index.kernels.scan import BLOCK
from palate.retrieval.index.masks import Mask
from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["Lists"]

_ROOM, _ALIVE, _STALE = 0, 1, 2  # of `Arrays.alive`
_AT_ONCE: Final = 1 << 15  # rows quantised together


class Lists:
    """Rows in lists; one thread at a time writes, any may search.

    Args:
        arrays: Whose dead rows are room.
        n_blocks: Of them that are in use.

    Attributes:
        arrays: What a search takes once, inside `searching`.
        n_blocks: Blocks in use.
    """

    def __init__(self, arrays: Arrays, n_blocks: int) -> None:
        self.arrays = arrays
        self.n_blocks = n_blocks
        self._tails: dict[int, int] = {}  # last block, of lists that were written
        self._room: dict[int, list[int]] = {}  # slots to use, of lists that were written
        self._masks: tuple[ref[Mask], ...] = ()
        self._lock = threading.Lock()  # of what follows, and of the masks
        self._begun = 0
        self._running: set[int] = set()  # searches, by their number
        self._stale: dict[int, int] = {}  # slot to the searches begun when it was given up
        self._fading: deque[int] = deque()  # of those, the ones still alive
        self._dead: deque[tuple[int, int]] = deque()  # (searches begun by its death, slot)

    @property
    def n_slots(self) -> int:
        """Rows in use, with room."""
        return self.n_blocks * BLOCK

    @property
    def n_masks(self) -> int:
        """Masks that somebody still holds, among those made before the last."""
        return len(self._held_masks())

    @contextmanager
    def searching(self) -> Iterator[int]:
        """The number of a search, which `may_find` takes; its rows stay while it is inside."""
        with self._lock:
            self._begun += 1
            number = self._begun
            self._running.add(number)
        try:
            yield number
        finally:
            with self._lock:
                self._running.discard(number)
                self._let_die()

    def may_find(self, search: int, slot: int) -> bool:
        """Whether a row was not given up before a search began."""
        given_up = self._stale.get(slot)
        return given_up is None or given_up >= search

    def reserve(self, counts: Int64Array) -> None:
        """Make room for so many further rows of each list at once: (n_lists,)."""
        needed = self.n_blocks + int((-(-counts // BLOCK)).sum())
        if needed > len(self.arrays.following):
            self._grow(needed)

    def put(self, lists: Int32Array, vectors: Float32Array, biases: Float32Array) -> Int32Array:
        """Write rows, those of a list together and not yet alive; their slots, (n,) int32."""
        self._reclaim()
        slots = self._slots(lists)
        arrays = self.arrays
        for start in range(0, len(slots), _AT_ONCE):
            some = slots[start : start + _AT_ONCE]
            codes = np.empty((len(some), arrays.codes.shape[1]), np.int8)
            scales = np.empty(len(some), np.float32)
            quantise(vectors[start : start + _AT_ONCE], codes, scales)
            arrays.vectors[some] = vectors[start : start + _AT_ONCE]
            arrays.codes[some], arrays.scales[some] = codes, scales
        arrays.biases[slots] = biases
        return slots

    def show(self, slots: Int32Array) -> None:
        """Let searches find these rows."""
        self.arrays.alive[slots] = _ALIVE

    def give_up(self, slots: Int32Array) -> None:
        """Let no search that begins from now on find these rows."""
        if not len(slots):
            return
        with self._lock:
            self._stale.update(dict.fromkeys(slots.tolist(), self._begun))
            self._fading.extend(slots.tolist())
            self.arrays.alive[slots] = _STALE
            self._let_die()

    def new_mask(self) -> Mask:
        """One without marks, which is kept up to date as long as somebody holds it."""
        mask = Mask(self.n_slots)
        with self._lock:
            kept = tuple(one for one in self._masks if one() is not None)
            self._masks = (*kept, ref(mask))
        return mask

    def mark(self, mask: Mask, slots: Int32Array, value: int) -> None:
        """Set the marks of rows."""
        with self._lock:
            mask.mark(slots, value)

    def move_marks(self, old: Int32Array, new: Int32Array) -> None:
        """Let the marks of items follow them to new rows; -1 is an item that is new."""
        if not self._masks:
            return
        with self._lock:
            for mask in self._held_masks():
                mask.follow(old, new)

    def _held_masks(self) -> list[Mask]:
        return [mask for one in self._masks if (mask := one()) is not None]

    def _let_die(self) -> None:
        """Hide the stale rows that no running search may find."""
        if not self._fading:
            return
        oldest = min(self._running, default=self._begun + 1)
        died = []
        while self._fading and self._stale[self._fading[0]] < oldest:
            slot = self._fading.popleft()
            self.arrays.alive[slot] = _ROOM
            self._dead.append((self._begun, slot))
            died.append(slot)
        if died:
            for mask in self._held_masks():
                mask.mark(np.array(died, np.int32), 0)

    def _slots(self, lists: Int32Array) -> Int32Array:
        """A free row in each of these lists."""
        edges = np.flatnonzero(np.diff(lists, prepend=-1, append=-1))
        found: list[int] = []
        for one, n in zip(lists[edges[:-1]].tolist(), np.diff(edges).tolist(), strict=True):
            room = self._room.get(one)
            if room is None:
                room = self._room[one] = self._dead_rows(one)
            while len(room) < n:
                block = self._new_block(one)
                # At the bottom, and backwards: what was free before is used first.
                room[:0] = range(block * BLOCK + BLOCK - 1, block * BLOCK - 1, -1)
            found += reversed(room[-n:])
            del room[-n:]
        return np.array(found, np.int32)

    def _dead_rows(self, one: int) -> list[int]:
        """The room in a list's blocks; also finds the last of these."""
        arrays, found = self.arrays, []
        block = int(arrays.heads[one])
        while block >= 0:
            self._tails[one] = block
            rows = arrays.alive[block * BLOCK : (block + 1) * BLOCK]
            found += (np.flatnonzero(rows == _ROOM) + block * BLOCK).tolist()
            block = int(arrays.following[block])
        return [slot for slot in reversed(found) if slot not in self._stale]

    def _new_block(self, one: int) -> int:
        if self.n_blocks == len(self.arrays.following):
            self._grow(self.n_blocks + 1)
        block, arrays = self.n_blocks, self.arrays
        self.n_blocks += 1
        arrays.owner[block] = one
        arrays.following[block] = -1
        # At the end, so that a list built at once is read forwards; one store, so that a search
        # that has begun meets a whole chain, the old or the new.
        if arrays.heads[one] < 0:
            arrays.heads[one] = block
        else:
            arrays.following[self._tails[one]] = block
        self._tails[one] = block
        return block

    def _grow(self, blocks: int) -> None:
        with self._lock:  # rows must not die in the old arrays alone
            self.arrays = self.arrays.with_room(self.n_blocks, Arrays.room_for(blocks), blocks)

    def _reclaim(self) -> None:
        with self._lock:
            oldest = min(self._running, default=self._begun + 1)
            while self._dead and self._dead[0][0] < oldest:
                slot = self._dead.popleft()[1]
                del self._stale[slot]
                room = self._room.get(int(self.arrays.owner[slot // BLOCK]))
                if room is not None:  # else it is found when the list is first written
                    room.append(slot)
