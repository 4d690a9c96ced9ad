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
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from palate.retrieval.index.kernels import BLOCK, quantise
from palate.types import Float32Array, Int32Array

__all__ = ["Arrays", "Lists"]

_WIDTH: Final = 32  # codes are padded to a multiple: full vector registers
_GROWTH: Final = 0.125  # of what there is: memory is what an index is measured by


class Arrays(NamedTuple):
    """All that a search reads; replaced as a whole when there must be more of it.

    Attributes:
        heads: (n_lists,) int32, the first block of each list; -1 for none.
        following: (n_blocks,) int32, the block after each; -1 at the end.
        vectors: (n_slots, dimension) float32.
        codes: (n_slots, width) int8.
        scales: (n_slots,) float32 of the codes.
        biases: (n_slots,) float32, added to products.
        alive: (n_slots,) uint8, whether a search may find the row.
    """

    heads: Int32Array
    following: Int32Array
    vectors: Float32Array
    codes: NDArray[np.int8]
    scales: Float32Array
    biases: Float32Array
    alive: NDArray[np.uint8]

    @classmethod
    def empty(cls, n_lists: int, dimension: int) -> Self:
        """Without rows."""
        width = -(-dimension // _WIDTH) * _WIDTH
        return cls(
            np.full(n_lists, -1, np.int32),
            np.empty(0, np.int32),
            np.empty((0, dimension), np.float32),
            np.empty((0, width), np.int8),
            np.empty(0, np.float32),
            np.empty(0, np.float32),
            np.empty(0, np.uint8),
        )

    def longer(self, blocks: int) -> Self:
        """A copy with room for so many further blocks."""
        rows = blocks * BLOCK
        return type(self)(
            self.heads.copy(),  # who searches the old arrays must not meet a block of the new
            np.concatenate((self.following, np.full(blocks, -1, np.int32))),
            _longer(self.vectors, rows),
            _longer(self.codes, rows),
            _longer(self.scales, rows),
            _longer(self.biases, rows),
            np.concatenate((self.alive, np.zeros(rows, np.uint8))),
        )

    @property
    def rows(self) -> tuple[NDArray[np.int8], Float32Array, Float32Array, NDArray[np.uint8]]:
        """What the kernels scan."""
        return self.codes, self.scales, self.biases, self.alive


class Lists:
    """Rows in lists; one thread at a time writes, any may search.

    Args:
        arrays: Whose dead rows are room.
        owner: (n_blocks,) int32, the list of each block.

    Attributes:
        arrays: What a search takes once, inside `searching`.
    """

    def __init__(self, arrays: Arrays, owner: Int32Array) -> None:
        self.arrays = arrays
        self.owner = owner
        self._n_blocks = len(owner)
        self._tails = _tails(arrays)
        self._room: list[list[int]] = [[] for _ in arrays.heads]  # slots to use, by list
        self._lock = threading.Lock()  # of what follows
        self._begun = 0
        self._running: set[int] = set()  # searches, by their number
        self._stale: dict[int, int] = {}  # slot to the searches begun when it was given up
        self._fading: deque[int] = deque()  # of those, the ones still alive
        self._dead: deque[tuple[int, int]] = deque()  # (searches begun by its death, slot)
        dead = np.flatnonzero(arrays.alive == 0)
        for slot, one in zip(dead.tolist(), owner[dead // BLOCK].tolist(), strict=True):
            self._room[one].append(slot)

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

    def reserve(self, counts: Int32Array) -> None:
        """Make room for so many further rows of each list at once: (n_lists,) int."""
        more = self._n_blocks + int((-(-counts // BLOCK)).sum()) - len(self.arrays.following)
        if more > 0:
            self._grow(more)

    def put(self, lists: Int32Array, vectors: Float32Array, biases: Float32Array) -> Int32Array:
        """Write rows, not yet alive; their slots, (n,) int32."""
        self._reclaim()
        slots = np.array([self._slot(one) for one in lists.tolist()], np.int32)
        arrays = self.arrays
        codes = np.empty((len(slots), arrays.codes.shape[1]), np.int8)
        scales = np.empty(len(slots), np.float32)
        quantise(vectors, codes, scales)
        arrays.vectors[slots], arrays.codes[slots] = vectors, codes
        arrays.scales[slots], arrays.biases[slots] = scales, biases
        return slots

    def show(self, slots: Int32Array) -> None:
        """Let searches find these rows."""
        self.arrays.alive[slots] = 1

    def give_up(self, slots: Int32Array) -> None:
        """Let no search that begins from now on find these rows."""
        with self._lock:
            self._stale.update(dict.fromkeys(slots.tolist(), self._begun))
            self._fading.extend(slots.tolist())
            self._let_die()

    def _let_die(self) -> None:
        """Hide the stale rows that no running search may find."""
        oldest = min(self._running, default=self._begun + 1)
        while self._fading and self._stale[self._fading[0]] < oldest:
            slot = self._fading.popleft()
            self.arrays.alive[slot] = 0
            self._dead.append((self._begun, slot))

    def _slot(self, one: int) -> int:
        room = self._room[one]
        if not room:
            block = self._new_block(one)
            room.extend(range(block * BLOCK + BLOCK - 1, block * BLOCK - 1, -1))
        return room.pop()

    def _new_block(self, one: int) -> int:
        if self._n_blocks == len(self.arrays.following):
            self._grow(int(self._n_blocks * _GROWTH) + 1)
        block, arrays = self._n_blocks, self.arrays
        self._n_blocks += 1
        self.owner[block] = one
        # At the end, so that a list built at once is read forwards; one store, so that a search
        # that has begun meets a whole chain, the old or the new.
        if arrays.heads[one] < 0:
            arrays.heads[one] = block
        else:
            arrays.following[self._tails[one]] = block
        self._tails[one] = block
        return block

    def _grow(self, blocks: int) -> None:
        self.owner = np.concatenate((self.owner, np.zeros(blocks, np.int32)))
        self.arrays = self.arrays.longer(blocks)

    def _reclaim(self) -> None:
        with self._lock:
            oldest = min(self._running, default=self._begun + 1)
            while self._dead and self._dead[0][0] < oldest:
                slot = self._dead.popleft()[1]
                del self._stale[slot]
                self._room[int(self.owner[slot // BLOCK])].append(slot)


def _tails(arrays: Arrays) -> Int32Array:
    """(n_lists,) int32, the last block of each list; -1 for none."""
    tails = arrays.heads.copy()
    while True:
        nexts = (
            np.where(tails >= 0, arrays.following[tails], -1) if len(arrays.following) else tails
        )
        going = nexts >= 0
        if not going.any() or nexts is tails:
            return tails
        tails = np.where(going, nexts, tails)


def _longer(array: NDArray[Any], rows: int) -> NDArray[Any]:
    grown = np.empty((len(array) + rows, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
