"""The arrays that a search reads: rows in blocks, blocks in lists."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from palate.retrieval.index.kernels.scan import BLOCK
from palate.retrieval.index.region import reserved
from palate.types import Float32Array, Int32Array

__all__ = ["Arrays"]

_WIDTH: Final = 32  # codes are padded to a multiple: full vector registers
_SPARE: Final = 4  # address space, as a multiple of what is used
_LEAST: Final = 256  # blocks of address space


class Arrays(NamedTuple):
    """Room for rows; most of it is address space alone until it is used.

    Attributes:
        heads: (n_lists,) int32, the first block of each list; -1 for none.
        following: (n_blocks,) int32, the block after each; -1 at the end.
        owner: (n_blocks,) int32, the list of each.
        vectors: (n_slots, dimension) float32.
        codes: (n_slots, width) int8.
        scales: (n_slots,) float32 of the codes.
        biases: (n_slots,) float32, added to products.
        alive: (n_slots,) uint8, whether a search may find the row: 0 no, 1 yes, 2 only one that
            began before the row was given up.
    """

    heads: Int32Array
    following: Int32Array
    owner: Int32Array
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
            heads=np.full(n_lists, -1, np.int32),
            following=np.empty(0, np.int32),
            owner=np.empty(0, np.int32),
            vectors=np.empty((0, dimension), np.float32),
            codes=np.empty((0, width), np.int8),
            scales=np.empty(0, np.float32),
            biases=np.empty(0, np.float32),
            alive=np.empty(0, np.uint8),
        ).with_room(0, _LEAST)

    @staticmethod
    def room_for(blocks: int) -> int:
        """Blocks of address space for so many that are used."""
        return max(_SPARE * blocks, _LEAST)

    def with_room(self, used: int, blocks: int, soon: int = 0) -> Self:
        """A copy of the first `used` blocks with room for `blocks`, `soon` of them used soon."""

        def longer(array: NDArray[Any], rows: int) -> NDArray[Any]:
            larger = reserved(blocks * rows, array, used=max(used, soon) * rows)
            larger[: used * rows] = array[: used * rows]
            return larger

        return type(self)(
            heads=self.heads.copy(),  # who searches the old arrays must meet no block of the new
            following=longer(self.following, 1),
            owner=longer(self.owner, 1),
            vectors=longer(self.vectors, BLOCK),
            codes=longer(self.codes, BLOCK),
            scales=longer(self.scales, BLOCK),
            biases=longer(self.biases, BLOCK),
            alive=longer(self.alive, BLOCK),
        )

    def first(self, blocks: int) -> Self:
        """The first blocks alone, without room; views."""
        rows = blocks * BLOCK
        return type(self)(
            heads=self.heads,
            following=self.following[:blocks],
            owner=self.owner[:blocks],
            vectors=self.vectors[:rows],
            codes=self.codes[:rows],
            scales=self.scales[:rows],
            biases=self.biases[:rows],
            alive=self.alive[:rows],
        )
