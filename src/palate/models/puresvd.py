r"""PureSVD: the best linear map of low rank from a user's items to the items to recommend.

    W = X diag(|x_i|^(d - 1)),   W ~ U S V'  (f largest singular values),   score(u, j) = x_u V V_j'

A user is folded in as x_u V: known and unknown users alike, from their history alone. d = 1
is PureSVD; d below 1 keeps popular items from filling the first dimensions. An item that
nobody touched has the vector 0 and comes last, until a refit has seen users of it.

Sources: Cremonesi, Koren and Turrin 2010, "Performance of recommender algorithms on top-N
recommendation tasks", RecSys, section 3.2 (PureSVD); Nikolakopoulos, Kalantzis, Gallopoulos
and Garofalakis 2019, "EigenRec", KAIS 58, section 3 (the exponent d of the scaling).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.kernels.folding import weighted_rows
from palate.models.latent import Latent, check_width
from palate.models.pairs import Pairs, positive_pairs
from palate.types import Float32Array, Float64Array, FloatArray, Progress

__all__ = ["PureSVD", "PureSVDConfig"]


class PureSVDConfig(ModelConfig):
    """PureSVD's hyperparameters. The defaults suit MovieLens 100K."""

    f: int = Field(
        default=24,
        ge=1,
        description="f, dimensions kept; never more than the data have. Small catalogues want "
        "few: 20 to 100.",
    )
    d: float = Field(
        default=0.7,
        ge=-2,
        le=2,
        description="d, how much an item's popularity weighs in choosing the dimensions; 1 is "
        "PureSVD proper.",
    )
    binary: bool = Field(
        default=True, description="x_ui = 1 for every pair with a positive sum; else that sum."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "f": Range(8, 256, log=True, integer=True),
        "d": Range(-0.5, 1.0),
    }


class PureSVD(Latent[PureSVDConfig]):
    """What a user touched, seen through the few dimensions that explain most of all data."""

    name = "puresvd"
    Config = PureSVDConfig
    capabilities = frozenset({"similar_items", "explain"})

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        pairs = Pairs.positive(dataset.histories, binary=self.config.binary)
        if not pairs.nnz:
            raise DataError(
                "puresvd has nothing to learn from: no value is above 0",
                hint="give ratings or event weights above 0",
            )
        if progress is not None:
            progress(0, 1, "decomposing")
        indptr, items, weights = pairs.by_user
        norms = pairs.norms()
        norms[norms == 0] = 1.0  # a column of zeros stays one
        scaled = weights * norms[items] ** (self.config.d - 1.0)
        matrix = csr_array((scaled, items, indptr), shape=(pairs.n_users, pairs.n_items))
        self._set_items(_right_vectors(matrix, self.config.f))
        if progress is not None:
            progress(1, 1, "done")

    def _fold_in(self, histories: Histories) -> Float32Array:
        weights = positive_pairs(histories, binary=self.config.binary).astype(np.float32)
        out = np.empty((histories.n_users, self._items.shape[1]), np.float32)
        weighted_rows(histories.indptr, histories.items, weights, self._items, out)
        return out

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        weights = positive_pairs(history, binary=self.config.binary)
        found: Float64Array = weights * (self._items[history.items] @ self._items[item])
        return found

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        items, f = state["items"], self.config.f
        found = items.shape[-1]
        check_width(self.name, items, found=found, wanted=min(f, found))  # data may have fewer
        super()._restore(state)


def _right_vectors(matrix: csr_array, f: int) -> Float32Array:
    """(n_items, <= f) float32 orthonormal columns V, those of the largest singular values.

    Singular values of 0 are left out: their vectors are arbitrary.
    """
    smaller = min(matrix.shape)
    if f < smaller // 2:
        start = np.random.default_rng(0).normal(size=smaller)  # the same in every run
        _, values, rows = svds(matrix, k=f, v0=start)
    else:
        _, values, rows = np.linalg.svd(matrix.toarray(), full_matrices=False)
        values, rows = values[:f], rows[:f]
    kept = values > values.max() * 1e-10
    order = np.argsort(-values[kept], kind="stable")
    return np.ascontiguousarray(rows[kept][order].T, np.float32)
