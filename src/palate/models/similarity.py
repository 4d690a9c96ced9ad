"""An item-to-item matrix S, dense or cut to the nearest neighbours, and scores from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from palate.data.histories import Histories
from palate.models.answers import Best, Choice
from palate.models.kernels.dense import dense_scores
from palate.models.kernels.dense_topk import dense_top_k
from palate.models.kernels.products import dense_products, sparse_products
from palate.models.kernels.sparse import best_neighbours, sparse_scores
from palate.models.pairs import Pairs
from palate.models.threads import in_parts, thread_count
from palate.types import BoolArray, Float64Array, FloatArray, Int32Array, Int64Array, Progress

__all__ = [
    "DENSE_ITEMS",
    "DenseSimilarity",
    "Formula",
    "Similarity",
    "SparseSimilarity",
    "compare_all",
    "compare_nearest",
    "restored",
]

DENSE_ITEMS = 8192  # items up to which S is dense: 512 MB of float64 at most
BLOCK = 64  # items compared at once

Formula: TypeAlias = Callable[[Float64Array, Int64Array, Int64Array], Float64Array]
"""From (x_i' x_j, i, j), arrays that broadcast, the similarity of each pair; 0 or NaN for none."""


@dataclass(frozen=True, slots=True)
class DenseSimilarity:
    """All similarities.

    Attributes:
        matrix: (n_items, n_items) float32 or float64; row i is what item i says of the others.
        symmetric: Whether only half of it needs to be saved.
    """

    matrix: FloatArray
    symmetric: bool

    def scores(self, histories: Histories, weights: Float64Array) -> FloatArray:
        """(n_users, n_items): each entry's weight times its item's row, added up per user."""
        matrix = self.matrix
        out = np.empty((histories.n_users, len(matrix)), matrix.dtype)
        typed = weights.astype(matrix.dtype, copy=False)
        dense_scores(histories.indptr, histories.items, typed, matrix, out)
        return out

    def fill_top(
        self, histories: Histories, weights: Float64Array, choice: Choice, out: Best
    ) -> BoolArray:
        """The best items by `scores`, for many users; says who prefers nothing, (n,) bool."""
        typed = weights.astype(self.matrix.dtype, copy=False)
        flat: BoolArray = dense_top_k(
            histories.indptr,
            histories.items,
            typed,
            self.matrix,
            choice.exclude_seen,
            choice.allowed,
            *out,
        )
        return flat

    def rows(self, items: Int32Array) -> FloatArray:
        """(len(items), n_items), a new array; NaN for pairs that have nothing in common."""
        rows = self.matrix[items]
        rows[rows == 0] = np.nan
        return rows

    def column(self, items: Int32Array, item: int) -> FloatArray:
        """(len(items),) what each of `items` says of `item`."""
        column: FloatArray = self.matrix[items, item]
        return column

    def state(self) -> dict[str, np.ndarray]:
        """The arrays to save."""
        if self.symmetric:
            return {"upper": np.concatenate([row[i:] for i, row in enumerate(self.matrix)])}
        return {"matrix": self.matrix}


@dataclass(frozen=True, slots=True)
class SparseSimilarity:
    """The nearest neighbours of each item.

    Attributes:
        indptr: (n_items + 1,) int64.
        columns: (nnz,) int32, best first within a row.
        values: (nnz,) float64.
    """

    indptr: Int64Array
    columns: Int32Array
    values: Float64Array

    def scores(self, histories: Histories, weights: Float64Array) -> FloatArray:
        """(n_users, n_items) float64: each entry's weight times its item's row, added up."""
        out = np.empty((histories.n_users, len(self.indptr) - 1))
        sparse_scores(
            histories.indptr,
            histories.items,
            weights,
            self.indptr,
            self.columns,
            self.values,
            out,
        )
        return out

    def rows(self, items: Int32Array) -> FloatArray:
        """(len(items), n_items), a new array; NaN for pairs that are no neighbours."""
        out = np.full((len(items), len(self.indptr) - 1), np.nan)
        for at, item in enumerate(items):
            part = slice(self.indptr[item], self.indptr[item + 1])
            out[at, self.columns[part]] = self.values[part]
        return out

    def column(self, items: Int32Array, item: int) -> FloatArray:
        """(len(items),) what each of `items` says of `item`; 0 where they are no neighbours."""
        starts = self.indptr[items]
        lengths = self.indptr[items + 1] - starts
        ends = np.cumsum(lengths)
        entry = np.repeat(np.arange(len(items)), lengths)
        at = np.repeat(starts - ends + lengths, lengths) + np.arange(len(entry))
        here = self.columns[at] == item
        out = np.zeros(len(items))
        out[entry[here]] = self.values[at[here]]
        return out

    def state(self) -> dict[str, np.ndarray]:
        """The arrays to save."""
        return {"indptr": self.indptr, "columns": self.columns, "values": self.values}


Similarity: TypeAlias = DenseSimilarity | SparseSimilarity


def restored(state: dict[str, np.ndarray]) -> Similarity:
    """The similarity whose `state` this is."""
    if "indptr" in state:
        return SparseSimilarity(state["indptr"], state["columns"], state["values"])
    if "matrix" in state:
        return DenseSimilarity(state["matrix"], symmetric=False)
    upper = state["upper"]
    n = (int(np.sqrt(8 * len(upper) + 1)) - 1) // 2
    matrix = np.empty((n, n), upper.dtype)
    end = 0
    for i in range(n):
        start, end = end, end + n - i
        matrix[i, i:] = matrix[i:, i] = upper[start:end]
    return DenseSimilarity(matrix, symmetric=True)


def compare_all(pairs: Pairs, formula: Formula, progress: Progress | None) -> Float64Array:
    """(n_items, n_items) float64, `formula` of all pairs of items."""
    n = pairs.n_items
    out = np.empty((n, n))
    items = np.arange(n)

    def block(start: int, stop: int) -> None:
        rows = out[start:stop]
        dense_products(start, stop, pairs.by_user, pairs.by_item, rows)
        rows[:] = formula(rows, items[start:stop, None], items[None, :])
        if progress is not None:
            progress(stop, n, "comparing items")

    in_parts(block, n, BLOCK, threads=thread_count())
    return out


def compare_nearest(
    pairs: Pairs, formula: Formula, k: int, progress: Progress | None
) -> SparseSimilarity:
    """The `k` most similar items of each; NaN and 0 are no neighbours.

    Never holds more than some rows of the full matrix at once.
    """
    n = pairs.n_items
    parts: dict[int, tuple[Int64Array, Int32Array, Float64Array]] = {}

    def block(start: int, stop: int) -> None:
        rows, columns, values = sparse_products(start, stop, pairs.by_user, pairs.by_item)
        items = np.repeat(np.arange(start, stop), np.diff(rows))
        similar = formula(values, items, columns.astype(np.int64))
        similar[similar == 0] = np.nan
        parts[start] = best_neighbours(rows, columns, similar, k)
        if progress is not None:
            progress(stop, n, "comparing items")

    in_parts(block, n, BLOCK, threads=thread_count())
    done = [parts[start] for start in sorted(parts)]
    lengths = np.concatenate([np.diff(rows) for rows, _, _ in done])
    return SparseSimilarity(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.concatenate([columns for _, columns, _ in done]),
        np.concatenate([values for _, _, values in done]),
    )
