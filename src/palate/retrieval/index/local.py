r"""The vector index in this process: int8 codes in lists, scored again by float32.

Below some hundred thousand items there is one list, and a search scans all codes. Above, the
lists stand around centroids, and a search scans those whose centroids are nearest to the query
until it has looked at enough of them; how many that is was measured when the index was built.
What the codes rank highest (a few more than k) is then scored exactly:

    q . x  ~  s_q s_x sum_j c_qj c_xj,      c_x = round(x / s_x),   s_x = max |x_j| / 127

A Euclidean search is one by product: -|q - x|^2 = 2 q . x - |x|^2 - |q|^2.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final, Self

import numpy as np

from palate.errors import DataError
from palate.retrieval.index.base import Hits, Metric
from palate.retrieval.index.clusters import centroids_of, nearest_centroid
from palate.retrieval.index.kernels import ROOM, quantise, rescore, scan_lists, scan_slots
from palate.retrieval.index.lists import Arrays, Lists
from palate.types import Float32Array, Int32Array

__all__ = ["EXACT_UP_TO", "LocalIndex"]

EXACT_UP_TO: Final = 300_000  # items in one list: a scan of so many takes half a millisecond
_SPARE: Final = 1.2  # rows scored again, as a multiple of k
_LEAST_SPARE: Final = 32
_FEW: Final = 0.02  # of the items: so few allowed ones are scanned one by one
_PER_LIST: Final = 1000  # rows a list, about
_SAMPLED: Final = 64  # items searched for to choose how many lists are scanned
_SAMPLED_K: Final = 100


class LocalIndex:
    """A `VectorIndex` in this process. Any thread may search while one at a time changes it.

    Args:
        dimension: Of vectors.
        metric: What nearest means.
        centroids: (n_lists, dimension) float32; None for one list, searched exactly.
        probes: Lists that a search scans; at least this many, more where they hold too little.

    Attributes:
        lists: Its rows, and where they stand.
        slots: Where the row of each item stands.
    """

    def __init__(
        self,
        dimension: int,
        metric: Metric = Metric.INNER_PRODUCT,
        *,
        centroids: Float32Array | None = None,
        probes: int = 1,
    ) -> None:
        if dimension < 1:
            raise DataError(f"a vector has at least one dimension, not {dimension}")
        self.dimension = dimension
        self.metric = Metric(metric)
        self.centroids = np.zeros((1, dimension), np.float32) if centroids is None else centroids
        self.probes = probes
        self.lists = Lists(Arrays.empty(len(self.centroids), dimension), np.empty(0, np.int32))
        self.slots: dict[str, int] = {}
        self._ids: list[str] = []  # by slot
        self._writing = threading.Lock()

    @classmethod
    def build(
        cls,
        ids: Sequence[str],
        vectors: Float32Array,
        metric: Metric = Metric.INNER_PRODUCT,
        *,
        recall: float = 0.98,
        n_lists: int | None = None,
        seed: int = 42,
    ) -> Self:
        """An index over many items at once, with lists where they pay.

        Args:
            ids: (n,).
            vectors: (n, dimension) float32, finite.
            metric: What nearest means.
            recall: Share of the true nearest 100 that a search over lists is to find; the lists
                it scans are chosen by it on a sample of the items.
            n_lists: How many; by default 1 up to `EXACT_UP_TO` items, then one a thousand.
            seed: Of k-means and of the sample.

        Raises:
            DataError: Ids and vectors do not fit together, or a number is not finite.
        """
        given = np.ascontiguousarray(vectors, np.float32)
        if given.ndim != 2 or given.shape[1] < 1:
            raise DataError(f"vectors have shape (n, dimension), not {given.shape}")
        if n_lists is None:
            n_lists = 1 if len(given) <= EXACT_UP_TO else len(given) // _PER_LIST
        index = cls(given.shape[1], metric)
        ready = index._prepared(ids, given)
        if n_lists > 1:
            centroids = centroids_of(ready, min(n_lists, len(ready)), seed)
            index = cls(given.shape[1], metric, centroids=centroids)
        index._put(ids, ready, nearest_centroid(ready, index.centroids))
        index._choose_probes(recall, seed)
        return index

    def __len__(self) -> int:
        """Items held."""
        return len(self.slots)

    def __contains__(self, item: str) -> bool:
        """Whether an item is held."""
        return item in self.slots

    def upsert(self, ids: Sequence[str], vectors: Float32Array) -> None:
        """Put or replace items: (n,) ids, (n, dimension) finite vectors; of equal ids the last.

        Raises:
            DataError: Ids and vectors do not fit together, or a number is not finite. Nothing
                was changed.
        """
        ready = self._prepared(ids, vectors)
        self._put(ids, ready, nearest_centroid(ready, self.centroids))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove items; ids that are not held change nothing."""
        with self._writing:
            found = [slot for one in ids if (slot := self.slots.pop(one, None)) is not None]
            self.lists.give_up(np.array(found, np.int32))

    def search(
        self, queries: Float32Array, k: int, *, among: Sequence[str] | None = None
    ) -> list[Hits]:
        """The nearest `k` items to each of (n, dimension) queries, of those `among` if given.

        Raises:
            DataError: k is below 1, or the queries are not finite or of another dimension.
        """
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        ready = self._checked(queries, "query")
        if self.metric is Metric.COSINE:
            ready = _of_length_one(ready)
        with self.lists.searching() as search:
            slots = None if among is None else self._slots_of(among)
            arrays = self.lists.arrays  # after the slots, so that it holds them all
            allowed, few = self._allowed(slots, arrays)
            answers = [self._nearest(query, k, arrays, allowed, few) for query in ready]
            return [
                self._hits(query, k, search, found)
                for query, found in zip(ready, answers, strict=True)
            ]

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        """(n, dimension) float32, what each item was put with (cosine: of length 1); NaN: none."""
        out = np.full((len(ids), self.dimension), np.nan, np.float32)
        with self.lists.searching():
            slots = [self.slots.get(one, -1) for one in ids]
            held = [place for place, slot in enumerate(slots) if slot >= 0]
            out[held] = self.lists.arrays.vectors[[slots[place] for place in held]]
        return out

    def adopt(self, lists: Lists, slots: dict[str, int]) -> None:
        """Take over rows as they were kept, instead of those that it has.

        Raises:
            ValueError: They do not belong together.
        """
        alive = np.flatnonzero(lists.arrays.alive)
        if sorted(slots.values()) != alive.tolist() or len(lists.arrays.heads) != len(
            self.centroids
        ):
            raise ValueError("ids, rows and lists do not belong together")
        with self._writing:
            self.lists, self.slots = lists, slots
            self._ids = [""] * len(lists.arrays.alive)
            for one, slot in slots.items():
                self._ids[slot] = one

    def close(self) -> None:
        """Give the memory back; the index is empty."""
        with self._writing:
            self.slots, self._ids = {}, []
            empty = Arrays.empty(len(self.centroids), self.dimension)
            self.lists = Lists(empty, np.empty(0, np.int32))

    # ------------------------------------------------------------------ write

    def _put(self, ids: Sequence[str], ready: Float32Array, lists: Int32Array) -> None:
        last = {one: place for place, one in enumerate(ids)}
        kept = np.fromiter(last.values(), np.int64, len(last))
        names = list(last)
        if len(kept) < len(ids) or len(self.centroids) > 1:
            order = np.argsort(lists[kept], kind="stable")  # a list's rows stand together
            names, kept = [names[place] for place in order.tolist()], kept[order]
            ready, lists = ready[kept], lists[kept]
        biases = np.zeros(len(kept), np.float32)
        if self.metric is Metric.EUCLIDEAN:
            biases = -np.einsum("ij,ij->i", ready, ready)
        with self._writing:
            if len(kept) > len(self.slots):
                counts = np.bincount(lists, minlength=len(self.centroids))
                self.lists.reserve(counts.astype(np.int32))
            slots = self.lists.put(lists, ready, biases)
            self._name(slots, names)
            self.lists.show(slots)
            old = [self.slots[one] for one in names if one in self.slots]
            self.slots.update(zip(names, slots.tolist(), strict=True))
            self.lists.give_up(np.array(old, np.int32))

    def _name(self, slots: Int32Array, ids: list[str]) -> None:
        missing = len(self.lists.arrays.alive) - len(self._ids)
        self._ids.extend([""] * missing)
        for slot, one in zip(slots.tolist(), ids, strict=True):
            self._ids[slot] = one

    def _prepared(self, ids: Sequence[str], vectors: Float32Array) -> Float32Array:
        ready = self._checked(vectors, "vector")
        if len(ids) != len(ready):
            raise DataError(f"{len(ids)} ids and {len(ready)} vectors: one each is needed")
        return _of_length_one(ready) if self.metric is Metric.COSINE else ready

    def _checked(self, given: Float32Array, what: str) -> Float32Array:
        ready = np.ascontiguousarray(given, np.float32)
        if ready.ndim != 2 or ready.shape[1] != self.dimension:
            raise DataError(
                f"a {what} of this index has {self.dimension} numbers; "
                f"the shape given is {np.shape(given)}"
            )
        finite = np.isfinite(ready).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{what} {int(np.argmin(finite))} holds NaN or infinity",
                hint="a net whose weights are not finite gives such vectors",
            )
        return ready

    # ------------------------------------------------------------------ search

    def _slots_of(self, ids: Sequence[str]) -> Int32Array:
        """Of the items that are held, rising."""
        found = {slot for one in ids if (slot := self.slots.get(one)) is not None}
        return np.sort(np.fromiter(found, np.int32, len(found)))

    def _allowed(
        self, slots: Int32Array | None, arrays: Arrays
    ) -> tuple[np.ndarray, Int32Array | None]:
        """A mask over slots (empty: all), or the few slots that may be found."""
        if slots is None:
            return np.empty(0, np.uint8), None
        if len(slots) <= _FEW * len(self.slots) or len(self.centroids) == 1:
            return np.empty(0, np.uint8), slots
        mask = np.zeros(len(arrays.alive), np.uint8)
        mask[slots] = 1
        return mask, None

    def _nearest(
        self,
        query: Float32Array,
        k: int,
        arrays: Arrays,
        allowed: np.ndarray,
        few: Int32Array | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and slots, best first, somewhat more than k of them."""
        if self.metric is Metric.EUCLIDEAN:
            query = 2 * query
        code = np.empty((1, arrays.codes.shape[1]), np.int8)
        scale = np.empty(1, np.float32)
        quantise(query[None], code, scale)
        wanted = min(max(math.ceil(k * _SPARE), k + _LEAST_SPARE), max(len(arrays.alive), 1))
        found = (np.empty(ROOM * wanted, np.float32), np.empty(ROOM * wanted, np.int32))
        if few is not None:
            held = scan_slots(code[0], scale[0], few, arrays.rows, wanted, found)
        else:
            held = self._scanned(query, (code[0], scale[0]), arrays, allowed, (wanted, found))
        scores, slots = found[0][:held], found[1][:held]
        rescore(query, arrays.vectors, arrays.biases, slots, scores)
        order = np.argsort(-scores, kind="stable")
        return scores[order], slots[order]

    def _scanned(
        self,
        query: Float32Array,
        quantised: tuple[np.ndarray, np.float32],
        arrays: Arrays,
        allowed: np.ndarray,
        out: tuple[int, tuple[np.ndarray, np.ndarray]],
    ) -> int:
        """Scan the nearest lists; more of them while too little is found."""
        n_lists, probes = len(self.centroids), self.probes
        order = self._by_nearness(query)
        while True:
            held = scan_lists(
                *quantised, order[:probes], arrays.heads, arrays.following, arrays.rows,
                allowed, *out,
            )  # fmt: skip
            if held == out[0] or probes >= n_lists:
                return int(held)
            probes = min(4 * probes, n_lists)

    def _by_nearness(self, query: Float32Array) -> Int32Array:
        """Lists, those first that are likeliest to hold what is nearest."""
        if len(self.centroids) == 1:
            return np.zeros(1, np.int32)
        near = self.centroids @ query
        if self.metric is Metric.EUCLIDEAN:
            near -= np.einsum("ij,ij->i", self.centroids, self.centroids)
        return np.argsort(-near, kind="stable").astype(np.int32)

    def _hits(
        self, query: Float32Array, k: int, search: int, found: tuple[np.ndarray, np.ndarray]
    ) -> Hits:
        best: dict[str, float] = {}
        may_find = self.lists.may_find
        for score, slot in zip(found[0].tolist(), found[1].tolist(), strict=True):
            if may_find(search, slot):
                best.setdefault(self._ids[slot], score)  # an item being replaced has two rows
                if len(best) == k:
                    break
        scores = np.fromiter(best.values(), np.float32, len(best))
        if self.metric is Metric.EUCLIDEAN:
            scores -= np.float32(query @ query)
        return Hits(list(best), scores)

    def _choose_probes(self, recall: float, seed: int) -> None:
        """As few lists as find the wanted share of what a scan of all finds."""
        n_lists, held = len(self.centroids), list(self.slots)
        if n_lists == 1 or not held:
            return
        rng = np.random.default_rng(seed)
        drawn = rng.choice(len(held), min(_SAMPLED, len(held)), replace=False)
        some = [held[place] for place in drawn.tolist()]
        queries = self.vectors(some)
        self.probes = n_lists
        truth = [set(hits.ids) for hits in self.search(queries, _SAMPLED_K)]
        self.probes = 1
        while self.probes < n_lists:
            hits = self.search(queries, _SAMPLED_K)
            right = sum(len(t & set(h.ids)) for t, h in zip(truth, hits, strict=True))
            if right >= recall * sum(map(len, truth)):
                return
            self.probes = min(n_lists, math.ceil(self.probes * 1.25))


def _of_length_one(vectors: Float32Array) -> Float32Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1.0
    return np.asarray(vectors / lengths[:, None], np.float32)
