r"""The vector index in this process: int8 codes in lists, scored again by float32.

Below some hundred thousand items there is one list, and a search scans all codes. Above, the
lists stand around centroids, and a search scans those that may hold the best rows: what a list
promises is the score of its centroid c and some standard deviations of its rows around that,

    q . c + r s_c sqrt(q' W q),

where W is the covariance of rows around their centroids, over all lists, and s_c says how much more
or less than usual those of one list spread; which rows belong together depends on what is looked
for (`clusters`).
It takes the most promising first, and ends at the first that promises less than all that it has
found. How many deviations r that takes was measured when the index was built, for several k.
What the codes rank highest (a few more than k) is then scored exactly:

    q . x  ~  s_q s_x sum_j c_qj c_xj,      c_x = round(x / s_x),   s_x = max |x_j| / 127

A Euclidean search is one by product: -|q - x|^2 = 2 q . x - |x|^2 - |q|^2.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from palate.errors import DataError
from palate.retrieval.index.arrays import Arrays
from palate.retrieval.index.base import Hits, Metric
from palate.retrieval.index.clusters import Clusters, centroids_of, weights_of
from palate.retrieval.index.kernels.order import pick
from palate.retrieval.index.lists import Lists
from palate.retrieval.index.masks import Filter, Mask
from palate.retrieval.index.names import Names, last_of_each, named
from palate.retrieval.index.reach import DEPTHS, EVERYWHERE, Reach
from palate.retrieval.index.searcher import Found, Searcher
from palate.retrieval.index.vectors import checked, of_length_one
from palate.types import Float32Array, Int32Array

__all__ = ["EXACT_UP_TO", "LocalIndex"]

EXACT_UP_TO: Final = 300_000  # items in one list: a scan of so many takes half a millisecond
_FEW: Final = 0.02  # of the items: so few allowed ones are scanned one by one
_PER_LIST: Final = 1000  # rows a list, about
_SAMPLED: Final = 128  # queries by which it is chosen how many lists are scanned
_MIXED: Final = 3  # items, of whose vectors half of these queries are means, as users are
_LEAST_REACH: Final = 3.0  # deviations: trained users' vectors stand further out than items do
_AT_ONCE: Final = 1 << 16  # rows put at once


class LocalIndex:
    """A `VectorIndex` in this process. Any thread may search while one at a time changes it.

    Args:
        dimension: Of vectors.
        metric: What nearest means.
        clusters: Around which lists stand; None for one list, searched exactly.
        reach: How far around its centroid a list may hold good rows; all are scanned by default.

    Attributes:
        lists: Its rows, and where they stand.
        names: Which item stands where.
    """

    def __init__(
        self,
        dimension: int,
        metric: Metric = Metric.INNER_PRODUCT,
        *,
        clusters: Clusters | None = None,
        reach: Reach | None = None,
    ) -> None:
        if dimension < 1:
            raise DataError(f"a vector has at least one dimension, not {dimension}")
        self.dimension = dimension
        self.metric = Metric(metric)
        self.clusters = clusters or Clusters.around(np.zeros((1, dimension), np.float32))
        self.reach = reach or Reach.always(EVERYWHERE)
        self.lists = Lists(Arrays.empty(len(self.clusters.centroids), dimension), 0)
        self.names = Names()
        self._watching: list[set[str]] = []
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
        queries: Float32Array | None = None,
        seed: int = 42,
    ) -> Self:
        """An index over many items at once, with lists where they pay.

        Args:
            ids: (n,).
            vectors: (n, dimension) float32, finite.
            metric: What nearest means.
            recall: Share of the true nearest 10, 100, 500, 2,000 and 10,000 that a search over
                lists is to find; how far it looks for each is chosen by it.
            n_lists: How many; by default 1 up to `EXACT_UP_TO` items, then one a thousand.
            queries: (m, dimension) float32 like those to come, for which lists are cut and by
                which that is chosen; without any by items, and means of three items, with
                somewhat more for being no users.
            seed: Of k-means and of the sample.

        Raises:
            DataError: Ids, vectors and queries do not fit together, or a number is not finite.
        """
        given = np.ascontiguousarray(vectors, np.float32)
        if given.ndim != 2 or given.shape[1] < 1:
            raise DataError(f"vectors have shape (n, dimension), not {given.shape}")
        if n_lists is None:
            n_lists = 1 if len(given) <= EXACT_UP_TO else len(given) // _PER_LIST
        index = cls(given.shape[1], metric)
        ready = index._prepared(ids, given)
        asked = None if queries is None or not len(queries) else index._ready(queries, 1)
        if n_lists > 1 and len(ready):
            weights = None
            if asked is not None and index.metric is not Metric.EUCLIDEAN:
                weights = weights_of(asked)
            centroids = centroids_of(ready, min(n_lists, len(ready)), seed, weights)
            around = Clusters.around(centroids, weights)
            owner, squares = around.nearest(ready)
            spread = around.spread_over(ready, owner, squares)
            index = cls(given.shape[1], metric, clusters=spread)
        else:
            owner = np.zeros(len(ready), np.int32)
        index._put(ids, ready, owner)
        if len(index.clusters.centroids) > 1:
            index.reach = index._measured(recall, asked, np.random.default_rng(seed))
        return index

    def __len__(self) -> int:
        """Items held."""
        return len(self.names)

    def __contains__(self, item: str) -> bool:
        """Whether an item is held."""
        with self.lists.searching():
            return bool(self.names.find([item])[0] >= 0)

    def upsert(self, ids: Sequence[str], vectors: Float32Array) -> None:
        """Put or replace items: (n,) ids, (n, dimension) finite vectors; of equal ids the last.

        Raises:
            DataError: Ids and vectors do not fit together, or a number is not finite. Nothing
                was changed.
        """
        ready = self._prepared(ids, vectors)
        self._put(ids, ready, self.clusters.nearest(ready)[0])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove items; ids that are not held change nothing."""
        with self._writing:
            self.lists.give_up(self.names.remove(ids))
            for touched in self._watching:
                touched.update(ids)

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        among: Sequence[str] | None = None,
        allowed: Filter | None = None,
        vectors: bool = False,
    ) -> list[Hits]:
        """The nearest `k` items to each of (n, dimension) queries.

        Args:
            queries: (n, dimension) float32, finite.
            k: At least 1.
            among: Only these items.
            allowed: Only items with these marks, see `mask`.
            vectors: Whether the items' own vectors come with them.

        Raises:
            DataError: k is below 1, or the queries are not finite or of another dimension.
        """
        ready = self._ready(queries, k)
        with self.lists.searching() as search:
            searcher = self._searcher(among, allowed)
            found = [self._nearest(query, k, search, searcher) for query in ready]
            return [self._named(*one, vectors=vectors) for one in found]

    def probe(self, queries: Float32Array, k: int) -> list[Hits]:
        """`k` items of the lists that are nearest to each query, in no order within a list.

        Nothing but centroids is compared; the scores are those of the lists.

        Raises:
            DataError: As `search`.
        """
        ready = self._ready(queries, k)
        with self.lists.searching() as search:
            searcher = self._searcher(None, None)
            found = [self._best(query, k, searcher.probed(query, k), search)[0] for query in ready]
            return [self._named(*one) for one in found]

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        """(n, dimension) float32, what each item was put with (cosine: of length 1); NaN: none."""
        out = np.full((len(ids), self.dimension), np.nan, np.float32)
        with self.lists.searching():
            slots = self.names.find(ids)
            held = np.flatnonzero(slots >= 0)
            out[held] = self.lists.arrays.vectors[slots[held]]
        return out

    def items(self) -> tuple[list[str], Float32Array]:
        """All ids and their vectors, (n, dimension) float32, in the order of their rows."""
        with self._writing:
            slots = self.names.slots()
            return named(slots, self.names.arrays), self.lists.arrays.vectors[slots]

    def mask(self, ids: Sequence[str] = ()) -> Mask:
        """A mask that marks these items, those that are held; for `search(allowed=...)`.

        The index keeps it up to date for as long as somebody holds it.
        """
        mask = self.lists.new_mask()
        self.mark(mask, ids)
        return mask

    def mark(self, mask: Mask, ids: Sequence[str]) -> None:
        """Mark further items, those that are held."""
        with self._writing:
            slots = self.names.find(ids)
            self.lists.mark(mask, slots[slots >= 0], 1)

    def unmark(self, mask: Mask, ids: Sequence[str]) -> None:
        """Take the marks of items away."""
        with self._writing:
            slots = self.names.find(ids)
            self.lists.mark(mask, slots[slots >= 0], 0)

    def watch(self) -> set[str]:
        """A set that grows by the id of every item that is put or deleted, until `unwatch`."""
        touched: set[str] = set()
        with self._writing:
            self._watching.append(touched)
        return touched

    def unwatch(self, touched: set[str]) -> None:
        """Let a set of `watch` grow no more."""
        with self._writing:
            self._watching = [one for one in self._watching if one is not touched]

    def adopt(self, lists: Lists, names: Names) -> None:
        """Take over rows as they were kept, instead of those that it has.

        Raises:
            ValueError: They do not belong together.
        """
        arrays = lists.arrays.first(lists.n_blocks)
        if len(arrays.heads) != len(self.clusters.centroids) or len(names) != int(
            np.count_nonzero(arrays.alive)
        ):
            raise ValueError("ids, rows and lists do not belong together")
        with self._writing:
            self.lists, self.names = lists, names

    def still(self) -> threading.Lock:
        """Held while nothing may change: a snapshot is taken under it."""
        return self._writing

    def close(self) -> None:
        """Give the memory back; the index is empty."""
        with self._writing:
            self.names = Names()
            self.lists = Lists(Arrays.empty(len(self.clusters.centroids), self.dimension), 0)

    # ------------------------------------------------------------------ write

    def _put(self, ids: Sequence[str], ready: Float32Array, lists: Int32Array) -> None:
        kept = last_of_each(ids)
        kept = kept[np.argsort(lists[kept], kind="stable")]  # a list's rows stand together
        lists = lists[kept]
        with self._writing:
            if len(kept) > len(self.names):
                self.lists.reserve(np.bincount(lists, minlength=len(self.clusters.centroids)))
            for start in range(0, len(kept), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                some = [ids[place] for place in kept[part].tolist()]
                self._put_some(some, ready[kept[part]], lists[part])
            for touched in self._watching:
                touched.update(ids)

    def _put_some(self, ids: Sequence[str], rows: Float32Array, lists: Int32Array) -> None:
        biases = np.zeros(len(rows), np.float32)
        if self.metric is Metric.EUCLIDEAN:
            biases = -np.einsum("ij,ij->i", rows, rows)
        slots = self.lists.put(lists, rows, biases)
        old = self.names.put(ids, slots, self.lists.n_slots)
        self.lists.move_marks(old, slots)
        self.lists.show(slots)
        self.lists.give_up(old[old >= 0])

    def _prepared(self, ids: Sequence[str], vectors: Float32Array) -> Float32Array:
        ready = checked(vectors, self.dimension, "vector")
        if len(ids) != len(ready):
            raise DataError(f"{len(ids):,} ids came with {len(ready):,} vectors")
        return of_length_one(ready) if self.metric is Metric.COSINE else ready

    # ------------------------------------------------------------------ search

    def _ready(self, queries: Float32Array, k: int) -> Float32Array:
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        ready = checked(queries, self.dimension, "query")
        return of_length_one(ready) if self.metric is Metric.COSINE else ready

    def _searcher(self, among: Sequence[str] | None, allowed: Filter | None) -> Searcher:
        n = self.lists.n_slots
        marks = None if allowed is None else self._marks(allowed, n)
        some = None
        if among is not None:
            some = np.unique(self.names.find(among))
            some = some[some >= 0]
            if marks is not None:
                some = some[(some < n) & (marks[np.minimum(some, n - 1)] != 0)]
            if len(self.clusters.centroids) > 1 and len(some) > _FEW * len(self):
                marks = np.zeros(self.lists.n_slots, np.uint8)
                marks[some] = 1
                some = None
        return Searcher(
            self.lists.arrays,  # after the slots, so that it holds them all
            self.clusters,
            self.reach,
            euclidean=self.metric is Metric.EUCLIDEAN,
            held=len(self),
            marks=marks,
            some=some,
        )

    def _marks(self, allowed: Filter, n: int) -> NDArray[np.uint8]:
        if isinstance(allowed, Mask):
            return allowed.rows(n)
        # First, so that an item which takes a free row from now on is found by neither `~`.
        alive = self.lists.arrays.alive[:n] != 0
        marks: NDArray[np.uint8] = allowed.rows(n) & alive
        return marks

    def _nearest(
        self, query: Float32Array, k: int, search: int, searcher: Searcher
    ) -> tuple[Float32Array, Int32Array]:
        sought, before = k, -1
        while True:
            found = searcher.nearest(query, sought)
            best, dropped = self._best(query, k, found, search)
            if not dropped or len(found.slots) == before:  # all there are
                return best
            sought, before = sought + 2 * dropped, len(found.slots)

    def _best(
        self, query: Float32Array, k: int, found: Found, search: int
    ) -> tuple[tuple[Float32Array, Int32Array], int]:
        """Scores and slots of what was found, and how many rows took the places of others.

        Those are rows that are not for this search, and where less than `k` is left, old rows of
        items whose new ones were found as well.
        """
        scores, slots, plain = found
        if not plain:  # given up meanwhile, or before this search began
            kept = np.array(
                [self.lists.may_find(search, slot) for slot in slots.tolist()], np.bool_
            )
            scores, slots = scores[kept], slots[kept]
        scores, slots = pick(scores, slots, self.names.arrays.starts, k)
        dropped = 0 if len(slots) == k else len(found.slots) - len(slots)
        if self.metric is Metric.EUCLIDEAN:
            scores -= np.float32(query @ query)
        return (scores, slots), dropped

    def _named(self, scores: Float32Array, slots: Int32Array, *, vectors: bool = False) -> Hits:
        own = self.lists.arrays.vectors[slots] if vectors else None
        return Hits(named(slots, self.names.arrays), scores, own)

    def _measured(
        self, recall: float, queries: Float32Array | None, rng: np.random.Generator
    ) -> Reach:
        """How far lists must be looked into for the wanted share of what a scan of all finds."""
        if queries is None:
            rows = self.names.slots()
            drawn = rows[rng.integers(0, len(rows), (_SAMPLED, _MIXED))]
            some = self.lists.arrays.vectors[drawn]
            queries = np.concatenate((some[: _SAMPLED // 2, 0], some[_SAMPLED // 2 :].mean(axis=1)))
            least = _LEAST_REACH
        else:
            least = 0.0
        searcher = self._searcher(None, None)
        depth = min(DEPTHS[-1], len(self))
        needed = [searcher.needed(query, depth) for query in self._ready(queries, 1)]
        return Reach.measured(needed, recall).at_least(least)
