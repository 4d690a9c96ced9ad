r"""SLIM: a sparse linear item-to-item model, each item regressed on all others.

    w_j = argmin 1/2 |x_j - X w|^2 + beta/2 |w|^2 + lambda |w|_1   with  w >= 0,  w_jj = 0
    score(u, j) = x_u w_j

X is binary by default. The items' problems are independent of each other and are solved by
cyclic coordinate descent on X'X, which is the same work however many users there are.

A new user is scored from their events; a new item needs a refit. Every weight is at least
zero, so the answer can be explained by the user's own items.

Source: Ning and Karypis 2011, "SLIM: sparse linear methods for top-n recommender systems",
ICDM, equation 4; the update of one coordinate with the products kept up to date: Friedman,
Hastie and Tibshirani 2010, "Regularization paths for generalized linear models via
coordinate descent", section 2.2.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import Field
from scipy.sparse import csc_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.item_to_item import ItemToItem
from palate.models.kernels.descent import descend
from palate.models.kernels.products import sparse_products
from palate.models.kernels.sparse import best_neighbours
from palate.models.pairs import Pairs, positive_pairs
from palate.models.similarity import BLOCK, SparseSimilarity
from palate.models.sparse_rows import SparseRows, in_blocks
from palate.types import Float64Array, Progress

__all__ = ["SLIM", "SLIMConfig"]

STILL: Final = 1e-4  # a change of a weight too small to matter; weights are about 0.01 to 1


class SLIMConfig(ModelConfig):
    """SLIM's hyperparameters. The defaults are good on MovieLens."""

    lambda_: float = Field(
        default=1.0, ge=0, description="lambda, the l1 penalty: the higher, the fewer weights."
    )
    beta: float = Field(
        default=100.0, gt=0, description="beta, the l2 penalty: about as in EASE, lower."
    )
    binary: bool = Field(
        default=True, description="x_ui = 1 for every pair with a positive sum; else that sum."
    )
    sweeps: int = Field(
        default=100, ge=1, description="Passes over an item's weights at most; few are needed."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "lambda_": Range(0.05, 20.0, log=True),
        "beta": Range(1.0, 1000.0, log=True),
    }


class SLIM(ItemToItem[SLIMConfig]):
    """A few items of the user's speak for each other item, weighed together."""

    name = "slim"
    Config = SLIMConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        pairs = Pairs.positive(dataset.histories, binary=self.config.binary)
        gram = _gram(pairs)
        if not np.isfinite(gram[2]).all():
            raise DataError(
                "slim: the values are too large for their products",
                hint="set binary = true, or bring the values to a scale such as 1 to 5",
            )
        rows = _solve(gram, pairs.norms() ** 2, self.config, progress)
        self._similarity = _by_source(rows, pairs.n_items)

    def _entry_weights(self, histories: Histories) -> Float64Array:
        return positive_pairs(histories, binary=self.config.binary)


def _gram(pairs: Pairs) -> SparseRows:
    """X'X by row, without zeros."""

    def block(start: int, stop: int) -> SparseRows:
        rows, columns, values = sparse_products(start, stop, pairs.by_user, pairs.by_item)
        with np.errstate(over="ignore"):  # refused by who asked for it
            return rows, columns, values.astype(np.float32)

    return in_blocks(block, pairs.n_items, BLOCK)


def _solve(
    gram: SparseRows, diagonal: Float64Array, config: SLIMConfig, progress: Progress | None
) -> SparseRows:
    """Row j holds the items that speak for j, and their weights."""
    n = len(diagonal)
    penalties = (config.lambda_, config.beta)

    def block(start: int, stop: int) -> SparseRows:
        solved: SparseRows = descend(start, stop, gram, diagonal, penalties, (config.sweeps, STILL))
        if progress is not None:
            progress(stop, n, "solving items")
        return solved

    return in_blocks(block, n, BLOCK)


def _by_source(rows: SparseRows, n_items: int) -> SparseSimilarity:
    """The same weights by the item that speaks, best first."""
    indptr, columns, values = rows
    turned = csc_array((values, columns, indptr), shape=(n_items, n_items)).tocsr()
    return SparseSimilarity(
        *best_neighbours(
            turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data, n_items
        )
    )
