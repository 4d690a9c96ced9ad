r"""EASE: the linear item-to-item model with a closed form.

    B = argmin |X - XB|^2 + lambda |B|^2  with  diag(B) = 0
    P = (X'X + lambda I)^-1,    B_ij = -P_ij / P_jj  for i != j,    score(u, j) = x_u B_j

Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data", WWW, section 3.1,
equations 5 to 8. X is binary there and by default here.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.linalg.lapack import spotrf, spotri

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.item_to_item import ItemToItem
from palate.models.kernels.products import dense_products
from palate.models.pairs import Pairs, positive_pairs
from palate.models.similarity import BLOCK, DenseSimilarity
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array, Float64Array, Progress

__all__ = ["EASE", "EASEConfig"]


class EASEConfig(ModelConfig):
    """EASE's hyperparameters."""

    lambda_: float = Field(
        default=400.0,
        gt=0,
        description="lambda, the penalty on B: about the number of users who must agree; "
        "flat around its best.",
    )
    binary: bool = Field(
        default=True, description="x_ui = 1 for every pair with a positive sum; else that sum."
    )
    memory_limit_gb: float = Field(
        default=4.0, gt=0, description="Gigabytes that fitting may take: 12 bytes for each B_ij."
    )

    space: ClassVar[dict[str, Dimension]] = {"lambda_": Range(20.0, 5000.0, log=True)}


class EASE(ItemToItem[EASEConfig]):
    """How much each item a user touched speaks for every other, all weighed together."""

    name = "ease"
    Config = EASEConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        _check_memory(dataset.n_items, self.config.memory_limit_gb)
        pairs = Pairs.positive(dataset.histories, binary=self.config.binary)
        gram = _gram(pairs)
        if progress is not None:
            progress(1, 3, "inverting")
        gram.flat[:: len(gram) + 1] += self.config.lambda_
        weights = _weights_from(_inverse(gram))
        if progress is not None:
            progress(3, 3, "done")
        self._similarity = DenseSimilarity(weights, symmetric=False)

    def _entry_weights(self, histories: Histories) -> Float64Array:
        return positive_pairs(histories, binary=self.config.binary)


def _check_memory(n_items: int, limit_gb: float) -> None:
    needed_gb = 12 * n_items**2 / 1e9
    if needed_gb > limit_gb:
        raise DataError(
            f"ease needs {needed_gb:.1f} GB for {n_items} items; its limit is {limit_gb:g} GB",
            hint="use itemknn or sar, keep fewer items, or raise memory_limit_gb",
        )


def _gram(pairs: Pairs) -> Float32Array:
    """X'X, (n_items, n_items) float32, column-major as LAPACK likes it."""
    n = pairs.n_items
    gram = np.empty((n, n), np.float32)

    def block(start: int, stop: int) -> None:
        rows = np.empty((stop - start, n))
        dense_products(start, stop, pairs.by_user, pairs.by_item, rows)
        gram[start:stop] = rows

    in_parts(block, n, BLOCK, threads=thread_count())
    columns: Float32Array = gram.T  # symmetric: only the order in memory changes
    return columns


def _inverse(gram: Float32Array) -> Float32Array:
    """The lower triangle of the inverse of a positive definite matrix, which is overwritten."""
    factor, failed = spotrf(gram, lower=1, overwrite_a=1)
    if failed:
        raise DataError(
            "ease cannot invert the item matrix: it is singular in single precision",
            hint="raise lambda_, or set binary = true",
        )
    inverse: Float32Array = spotri(factor, lower=1, overwrite_c=1)[0]
    return inverse


def _weights_from(lower: Float32Array) -> Float32Array:
    """B, (n_items, n_items) float32 in rows, from the lower triangle of P."""
    n = len(lower)
    weights = np.empty((n, n), np.float32)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        weights[start:, start:stop] = lower[start:, start:stop]
        weights[start:stop, stop:] = lower[stop:, start:stop].T
        corner = np.tril(lower[start:stop, start:stop])
        weights[start:stop, start:stop] = corner + np.tril(corner, -1).T
    weights /= -np.diagonal(lower)
    np.fill_diagonal(weights, 0.0)
    return weights
