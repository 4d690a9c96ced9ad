"""What Markov and SessionKNN share: which items stood near which in people's sequences.

    C_ij = sum over places p of i and q of j in one sequence s of  g_s * f(q - p)
    S_ij = C_ij^rho / (C_i.^alpha * C_.j^beta)         C_i., C_.j: sums of row and column
    score(u, j) = sum over the entries e of u's history of  w_e * S[item_e, j]

C adds up over sequences, so that further ones are learned by adding theirs, and nothing of a
person is kept.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from scipy.sparse import csr_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.config import ModelConfig
from palate.models.item_to_item import ItemToItem
from palate.models.kernels.sequences import near_items
from palate.models.pairs import distinct_items
from palate.models.similarity import BLOCK, SparseSimilarity
from palate.models.sparse_rows import SparseRows, in_blocks
from palate.types import Float64Array, Int32Array, Int64Array, Progress

__all__ = ["Nearness", "SequenceModel", "Sequences", "places_from_the_end"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


@dataclass(frozen=True, slots=True)
class Sequences:
    """Items in the order in which they were touched, without who did it.

    Attributes:
        indptr: (n + 1,) int64.
        items: (m,) int32.
        newest_us: (n,) int64, time of each sequence's last event, -1 where unknown.
        n_items: Size of the item vocabulary.
    """

    indptr: Int64Array
    items: Int32Array
    newest_us: Int64Array
    n_items: int

    @classmethod
    def of(cls, histories: Histories, gap_us: int | None) -> Sequences:
        """One sequence a user, or one for each stretch without a pause longer than `gap_us`.

        Events that are worth nothing, or less, are left out.
        """
        liked = histories.values > 0
        users, items = histories.users()[liked], histories.items[liked]
        times = histories.timestamps[liked]
        first = np.ones(len(items), np.bool_)
        if len(items):
            first[1:] = users[1:] != users[:-1]
            if gap_us is not None:
                first[1:] |= (times[:-1] >= 0) & (times[1:] - times[:-1] > gap_us)
        starts = np.flatnonzero(first)
        indptr = np.append(starts, len(items)).astype(np.int64)
        return cls(indptr, items, times[indptr[1:] - 1], histories.n_items)

    @property
    def lengths(self) -> Int64Array:
        """(n,) int64, items of each."""
        return np.diff(self.indptr)


@dataclass(frozen=True, slots=True)
class Nearness:
    """What makes C.

    Attributes:
        ahead: (w,) float64, f(1) to f(w): worth of what comes 1 to w places later.
        behind: (w,) float64, f(-1) to f(-w): of what came before.
        rho: Exponent of C itself.
        alpha: Exponent of the row's sum.
        beta: Exponent of the column's sum.
    """

    ahead: Float64Array
    behind: Float64Array
    rho: float
    alpha: float
    beta: float


class SequenceModel(ItemToItem[ConfigT]):
    """A subclass says what nearness is worth, and what an entry and a sequence count."""

    capabilities = frozenset({"similar_items", "explain", "partial_fit"})

    _near: csr_array  # C, (n_items, n_items) float64
    _newest_us: int  # what sequences' ages are counted from

    @abstractmethod
    def _nearness(self) -> Nearness:
        """From the config."""

    @abstractmethod
    def _sequences(self, histories: Histories) -> Sequences:
        """How histories are cut."""

    @abstractmethod
    def _sequence_weights(self, sequences: Sequences) -> Float64Array:
        """(n,) float64 g_s, seen from `_newest_us`."""

    def _fade(self, times: Int64Array) -> Float64Array:
        """(n,) float64, what is left at `_newest_us` of a weight from then; 1 by default."""
        return np.ones(len(times))

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        self._newest_us = int(dataset.histories.timestamps.max())
        self._near = self._count(dataset.histories, progress)
        self._weigh()

    def partial_fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Learn from further sequences, for the time of those and one pass over the table.

        Give whole sequences: what a person does now is not joined to what they did before,
        since the model remembers no one.

        Raises:
            DataError: The items are not those that the model knows.
        """
        if dataset.item_vocabulary != self.vocabulary:
            raise DataError(
                "the dataset's items are not those that the model knows", hint="fit it again"
            )
        histories = dataset.histories
        if len(histories):
            before = np.array([self._newest_us])
            self._newest_us = max(self._newest_us, int(histories.timestamps.max()))
            faded = self._near * float(self._fade(before)[0])
            self._near = csr_array(faded + self._count(histories, progress))
            self._weigh()
        users = np.bincount(distinct_items(histories), minlength=dataset.n_items)
        self._popularity = self.popularity + users.astype(np.float32)
        self._dataset = dataset
        return self

    def _count(self, histories: Histories, progress: Progress | None) -> csr_array:
        sequences = self._sequences(histories)
        kind = self._nearness()
        n = sequences.n_items
        inputs = (sequences.indptr, sequences.items, self._sequence_weights(sequences))
        occurrences = _occurrences(sequences)

        def block(start: int, stop: int) -> SparseRows:
            near = (kind.ahead, kind.behind)
            found: SparseRows = near_items(start, stop, inputs, occurrences, near)
            if progress is not None:
                progress(stop, n, "reading sequences")
            return found

        rows, columns, values = in_blocks(block, n, BLOCK)
        return csr_array((values, columns, rows), shape=(n, n))

    def _weigh(self) -> None:
        """S from C."""
        near, kind = self._near, self._nearness()
        n = near.shape[0]
        row_sums = np.bincount(_row_of(near), near.data, minlength=n).astype(np.float64)
        column_sums = np.bincount(near.indices, near.data, minlength=n).astype(np.float64)
        scale = _power(row_sums, -kind.alpha)[_row_of(near)]
        scale *= _power(column_sums, -kind.beta)[near.indices]
        self._similarity = SparseSimilarity(
            near.indptr.astype(np.int64), near.indices.astype(np.int32), near.data**kind.rho * scale
        )

    def _state(self) -> dict[str, np.ndarray]:
        return {
            "indptr": self._near.indptr.astype(np.int64),
            "columns": self._near.indices.astype(np.int32),
            "near": self._near.data,
            "newest_us": np.array([self._newest_us], np.int64),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        n = len(state["indptr"]) - 1
        parts = (state["near"], state["columns"], state["indptr"])
        self._near = csr_array(parts, shape=(n, n))
        self._newest_us = int(state["newest_us"][0])
        self._weigh()


def places_from_the_end(histories: Histories) -> Int64Array:
    """(len(histories),) int64: 0 for a user's last liked event, 1 for the one before, ...

    An event that is worth nothing, or less, has the place of the next liked one.
    """
    liked = np.concatenate(([0], np.cumsum(histories.values > 0)))
    after = np.repeat(liked[histories.indptr[1:]], np.diff(histories.indptr))
    return np.asarray(after - liked[1:], np.int64)


def _occurrences(sequences: Sequences) -> tuple[Int64Array, Int64Array, Int32Array]:
    """By item: starts (n_items + 1,), places (m,) in order, the sequence of each (m,)."""
    places = np.argsort(sequences.items, kind="stable").astype(np.int64)
    counts = np.bincount(sequences.items, minlength=sequences.n_items)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    owners = np.repeat(np.arange(len(sequences.lengths), dtype=np.int32), sequences.lengths)
    return starts, places, owners[places]


def _row_of(matrix: csr_array) -> Int64Array:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _power(sums: Float64Array, exponent: float) -> Float64Array:
    """sums^exponent, 1 where the sum is 0."""
    return np.power(np.where(sums > 0, sums, 1.0), exponent)
