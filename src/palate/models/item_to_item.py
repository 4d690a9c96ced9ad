"""What SAR, ItemKNN and EASE share: scores are a weighted sum of rows of an item matrix."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import numpy as np

from palate.data.histories import Histories
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.models.similarity import Similarity, restored
from palate.types import Float64Array, FloatArray, Int32Array

__all__ = ["ItemToItem"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class ItemToItem(Recommender[ConfigT]):
    """score(u, j) = sum over the entries e of u's history of w_e * S[item_e, j].

    A subclass learns S in `_fit` and says in `_entry_weights` what an entry counts.
    """

    capabilities = frozenset({"similar_items", "explain"})
    parallel = True

    _similarity: Similarity

    @abstractmethod
    def _entry_weights(self, histories: Histories) -> Float64Array:
        """(len(histories),) float64 w_e, what each entry counts."""

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) weighted sums of rows of S, in S's dtype."""
        return self._similarity.scores(histories, self._entry_weights(histories))

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        return self._similarity.rows(items)

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        return self._entry_weights(history) * self._similarity.column(history.items, item)

    def _state(self) -> dict[str, np.ndarray]:
        return self._similarity.state()

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._similarity = restored(state)
