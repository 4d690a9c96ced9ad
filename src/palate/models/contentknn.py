r"""ContentKNN: items that look like those the user liked; it needs nobody to have touched them.

    f_i = features of item i, a unit vector         p_u = sum over events of u of w_e * f_item(e)
    score(u, j) = p_u . f_j                         S_ij = f_i . f_j  (cosine)

f_i joins one block for each attribute, each block a unit vector times the square root of the
attribute's weight, so that S_ij is the weighted mean of the attributes' own cosines where
both items have them all. `features.py` says how an attribute becomes a block.

Source: Lops, de Gemmis and Semeraro 2011, "Content-based recommender systems: state of the
art and trends", section 3.3.1 (vector space model with TF-IDF).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.base import Recommender
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.features import Features, item_features
from palate.models.kernels.content import content_scores
from palate.types import Float64Array, FloatArray, Int32Array, Progress

__all__ = ["ContentKNN", "ContentKNNConfig"]


class ContentKNNConfig(ModelConfig):
    """ContentKNN's hyperparameters."""

    attributes: tuple[str, ...] | None = Field(
        default=None, description="Item attributes to compare by; all declared ones by default."
    )
    weights: dict[str, float] = Field(
        default_factory=dict, description="Attribute to its weight, at least 0; 1 by default."
    )
    min_items: int = Field(
        default=2, ge=1, description="Items that a word or category needs to count."
    )
    bins: int = Field(
        default=16, ge=2, description="Knots over the range of a number; near ones are alike."
    )
    binary: bool = Field(default=False, description="Every event counts 1 (and a disliked item 0).")

    space: ClassVar[dict[str, Dimension]] = {
        "min_items": Range(1, 10, integer=True, log=True),
        "bins": Range(4, 64, integer=True, log=True),
        "binary": Choice((False, True)),
    }


class ContentKNN(Recommender[ContentKNNConfig]):
    """Items whose text, categories and numbers are those of what the user touched."""

    name = "contentknn"
    Config = ContentKNNConfig
    capabilities = frozenset({"similar_items", "explain", "cold_items"})
    parallel = True
    needs_interactions = False

    _features: Features

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        kinds = {**dataset.schema.items}
        wanted = self.config.attributes
        if wanted is not None:
            missing = [name for name in wanted if name not in kinds]
            if missing:
                raise DataError(
                    f"contentknn: the items have no attribute {missing[0]!r}",
                    hint=f"declared are {', '.join(kinds) or 'none'}",
                )
            kinds = {name: kinds[name] for name in wanted}
        stray = [name for name in self.config.weights if name not in kinds]
        if stray:
            raise DataError(f"contentknn: a weight for {stray[0]!r}, which it does not compare")
        self._features = item_features(dataset, kinds, self.config)

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float64, the profile's inner product with each item."""
        features = self._features
        out = np.empty((histories.n_users, features.n_items))
        content_scores(
            histories.indptr,
            histories.items,
            self._entry_weights(histories),
            (features.indptr, features.columns, features.values),
            features.n_features,
            out,
        )
        return out

    def _entry_weights(self, histories: Histories) -> Float64Array:
        if self.config.binary:
            return (histories.values > 0).astype(np.float64)
        return histories.values.astype(np.float64)

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        matrix = self._features.matrix()
        rows = (matrix[items] @ matrix.T).toarray()
        rows[rows == 0] = np.nan  # nothing in common
        return np.asarray(rows)

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        matrix = self._features.matrix()
        alike = matrix[history.items] @ matrix[[item]].T
        added: FloatArray = self._entry_weights(history) * alike.toarray()[:, 0]
        return added

    def _state(self) -> dict[str, np.ndarray]:
        features = self._features
        return {
            "indptr": features.indptr,
            "columns": features.columns,
            "values": features.values,
            "n_features": np.array([features.n_features], np.int64),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._features = Features(
            state["indptr"], state["columns"], state["values"], int(state["n_features"][0])
        )
