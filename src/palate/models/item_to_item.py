"""What SAR, ItemKNN and EASE share: scores are a weighted sum of rows of an item matrix."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import numpy as np

from palate.data.histories import Histories
from palate.models.answers import Best, Choice
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.models.kernels.dense import PACK_FROM
from palate.models.similarity import DenseSimilarity, Similarity, restored
from palate.types import Float64Array, FloatArray, Int32Array

__all__ = ["ItemToItem"]

MANY = 1 << 13  # users at once where no scores are held, only k answers for each
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

    def _users_at_once(self) -> int:
        return MANY if self._dense() is not None else super()._users_at_once()

    def _fill_top(self, histories: Histories, choice: Choice, out: Best) -> None:
        dense = self._dense()
        if dense is None or histories.n_users < PACK_FROM:
            super()._fill_top(histories, choice, out)
            return
        silent = dense.fill_top(histories, self._entry_weights(histories), choice, out)
        if silent.any():
            rows = np.flatnonzero(silent)
            again = (np.full_like(out[0][rows], -1), np.full_like(out[1][rows], np.nan))
            super()._fill_top(histories.select(rows), choice, again)
            out[0][rows], out[1][rows] = again

    def _dense(self) -> DenseSimilarity | None:
        """S, where scores are nothing but its rows added up, and it is dense."""
        return self._similarity if isinstance(self._similarity, DenseSimilarity) else None

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        return self._similarity.rows(items)

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        return self._entry_weights(history) * self._similarity.column(history.items, item)

    def _state(self) -> dict[str, np.ndarray]:
        return self._similarity.state()

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._similarity = restored(state)
