"""One search over the rows of an index: which lists, which rows by their codes, their scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.retrieval.index.arrays import Arrays
from palate.retrieval.index.clusters import Clusters
from palate.retrieval.index.kernels.codes import quantise
from palate.retrieval.index.kernels.order import list_scores, row_scores
from palate.retrieval.index.kernels.scan import BLOCK, ROOM, scan_lists, scan_slots
from palate.retrieval.index.reach import EVERYWHERE, Needed, Reach
from palate.types import Float32Array, Int32Array

__all__ = ["Found", "Searcher", "best_first"]

_SPARE: Final = 1.2  # rows scored again, as a multiple of k
_LEAST_SPARE: Final = 32
_REACH: Final = 3.0  # standard deviations, by which lists are probed
_AT_FIRST: Final = 128  # lists put in order
_FURTHER: Final = 3  # times as many, where those were not enough
_ALL: Final = np.empty(0, np.uint8)
_UNBIASED: Final = np.empty(0, np.float32)
_NONE: Final = np.zeros(1, np.uint8)


class Found(NamedTuple):
    """Rows, best first, somewhat more than were asked for.

    Attributes:
        scores: (m,) float32.
        slots: (m,) int32.
        plain: Whether all of them are alive and none is about to die.
    """

    scores: Float32Array
    slots: Int32Array
    plain: bool


class Searcher:
    """What a search holds on to while it runs.

    Args:
        arrays: The rows.
        clusters: Around which their lists stand.
        reach: How far around its centroid a list may hold good rows.
        euclidean: Whether scores are.
        held: Items in the index.
        marks: (n,) uint8, 0 for rows that may not be found; None: all may.
        some: (m,) int32, the few rows that may be found; None: all.
    """

    def __init__(
        self,
        arrays: Arrays,
        clusters: Clusters,
        reach: Reach,
        *,
        euclidean: bool,
        held: int,
        marks: NDArray[np.uint8] | None = None,
        some: Int32Array | None = None,
    ) -> None:
        self._arrays, self._clusters, self._reach = arrays, clusters, reach
        self._euclidean, self._held = euclidean, held
        self._biases = arrays.biases if euclidean else _UNBIASED
        self._rows = arrays.codes, arrays.scales, self._biases, arrays.alive
        # Marks of an empty index still let nothing through, whatever comes meanwhile.
        self._marks = _ALL if marks is None else marks if len(marks) else _NONE
        self._some = some
        self._may = held if marks is None else int(np.count_nonzero(marks.view(np.bool_)))

    def nearest(self, query: Float32Array, k: int) -> Found:
        """The rows nearest to (d,) float32."""
        seeking = 2 * query if self._euclidean else query
        code, scale = self._coded(seeking)
        spare = max(math.ceil(k * _SPARE), k + _LEAST_SPARE)
        wanted = min(spare, self._room())
        found = _room_for(wanted)
        if self._some is not None:
            held = scan_slots(code, scale, self._some, self._rows, wanted, found)
        else:
            share = self._held / max(self._may, 1)
            reach = self._reach.at(k * share)
            everywhere = reach >= EVERYWHERE
            worth = self._lists(query, seeking, 0.0 if everywhere else reach)
            held = self._scan(worth, (code, scale), (wanted, found), to_the_end=everywhere)
        return self._ordered(seeking, found[1][:held])

    def probed(self, query: Float32Array, k: int) -> Found:
        """`k` rows or more of the nearest lists, as they come, scored by their lists."""
        arrays, slots, scores, n = self._arrays, [], [], 0
        worth = self._lists(query, 2 * query if self._euclidean else query, _REACH)
        for one in np.argsort(-worth, kind="stable"):
            block = int(arrays.heads[one])
            while block >= 0 and n < k:
                rows = np.flatnonzero(arrays.alive[block * BLOCK : (block + 1) * BLOCK])
                slots.append((rows + block * BLOCK).astype(np.int32))
                scores.append(np.full(len(rows), worth[one], np.float32))
                n += len(rows)
                block = int(arrays.following[block])
            if n >= k:
                break
        if not slots:
            return Found(np.empty(0, np.float32), np.empty(0, np.int32), plain=True)
        return Found(np.concatenate(scores), np.concatenate(slots), plain=False)

    def needed(self, query: Float32Array, depth: int) -> Needed:
        """How far from their centroids the nearest `depth` rows stand; every list is scanned."""
        seeking = 2 * query if self._euclidean else query
        found = _room_for(depth)
        centres = self._lists(query, seeking, 0.0)
        held = self._scan(centres, self._coded(seeking), (depth, found), to_the_end=True)
        scores, slots, _ = self._ordered(seeking, found[1][:held])
        scores, slots = scores[:depth], slots[:depth]
        lists = self._arrays.owner[slots // BLOCK]
        deviations = self._lists(query, seeking, 1.0) - centres
        return Needed(scores, centres[lists], deviations[lists])

    def _room(self) -> int:
        """Rows that may be found at most, with those given up that some search still finds."""
        if self._some is not None:
            return max(1, len(self._some))
        return max(1, self._may if len(self._marks) else len(self._arrays.alive))

    def _coded(self, seeking: Float32Array) -> tuple[NDArray[np.int16], np.float32]:
        code = np.empty((1, self._arrays.codes.shape[1]), np.int8)
        scale = np.empty(1, np.float32)
        quantise(seeking[None], code, scale)
        return code[0].astype(np.int16), scale[0]

    def _lists(self, query: Float32Array, seeking: Float32Array, reach: float) -> Float32Array:
        """(n_lists,) what a row of each list may score that is so many deviations out."""
        if len(self._clusters.centroids) == 1:
            return np.zeros(1, np.float32)
        clusters, biases = self._clusters, _UNBIASED
        step = math.sqrt(max(0.0, float(query @ clusters.within @ query)))
        if self._euclidean:  # differences have another direction in each list
            biases, step = -2 * clusters.halves, math.sqrt(float(query @ query))
            reach *= math.sqrt(float(clusters.within.trace()) / len(query))
        worth: Float32Array = list_scores(
            seeking,
            np.float32(step),
            clusters.centroids,
            biases,
            np.float32(reach) * clusters.spreads,
            self._euclidean,
        )
        return worth

    def _scan(
        self,
        worth: Float32Array,
        coded: tuple[NDArray[np.int16], np.float32],
        out: tuple[int, tuple[Float32Array, Int32Array]],
        *,
        to_the_end: bool,
    ) -> int:
        """Scan the best lists first, until no good row of one that is left scores enough."""
        arrays, held = self._arrays, 0
        chain = arrays.heads, arrays.following
        for lists in best_first(worth):
            promises = np.full(len(lists), np.inf, np.float32) if to_the_end else worth[lists]
            held, ended = scan_lists(
                *coded, (lists, promises), chain, self._rows, self._marks, *out, held
            )
            if ended:
                break
        return int(held)

    def _ordered(self, seeking: Float32Array, slots: Int32Array) -> Found:
        arrays = self._arrays
        scores, plain = row_scores(seeking, arrays.vectors, self._biases, slots, arrays.alive)
        order = (-scores).argsort()
        return Found(scores[order], slots[order], plain)


def best_first(worth: Float32Array) -> Iterator[Int32Array]:
    """All lists in order of (n_lists,) what they promise, some at a time: most need no more.

    By numpy, which puts numbers in order several times as fast as a compiled loop of ours.
    """
    rest, n = np.arange(len(worth), dtype=np.int32), _AT_FIRST
    while len(rest) > n:
        apart = (-worth[rest]).argpartition(n)
        some, rest = rest[apart[:n]], rest[apart[n:]]
        yield some[(-worth[some]).argsort()]
        n *= _FURTHER
    yield rest[(-worth[rest]).argsort()]


def _room_for(wanted: int) -> tuple[Float32Array, Int32Array]:
    return np.empty(ROOM * wanted, np.float32), np.empty(ROOM * wanted, np.int32)
