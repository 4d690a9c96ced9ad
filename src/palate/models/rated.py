"""What rating models share: a mean, biases, factors, and users folded in from their ratings."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import numpy as np

from palate.data.histories import Histories
from palate.models.config import ModelConfig
from palate.models.half_sweep import Rows
from palate.models.latent import Latent, cosines
from palate.types import Float32Array, Int32Array

__all__ = ["Rated", "newest_ratings"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class Rated(Latent[ConfigT]):
    """score(u, i) = mu + b_u + b_i + x_u . y_i, on the scale of the training values.

    The values of a history are ratings; of several for one item the newest counts. A
    prediction may pass the ends of the scale: only the caller knows where they are.
    """

    capabilities = frozenset({"ratings", "similar_items"})

    _mean: float
    _factors: Float32Array  # (n_items, f)
    _biases: Float32Array  # (n_items,)

    @abstractmethod
    def _solve_users(self, rows: Rows) -> tuple[Float32Array, Float32Array]:
        """Factors (n, f) and biases (n,) of users whose targets are ratings less the mean."""

    @property
    def _items(self) -> Float32Array:  # type: ignore[override]
        """(n_items, f + 2): y_i, b_i, 1."""
        one = np.ones(len(self._factors), np.float32)
        return np.column_stack((self._factors, self._biases, one))

    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, f + 2): x_u, 1, mu + b_u."""
        x, b = self._solve_users(newest_ratings(histories).shifted(-self._mean))
        return np.column_stack((x, np.ones(len(x), np.float32), np.float32(self._mean) + b))

    def _similar_rows(self, items: Int32Array) -> Float32Array:
        return cosines(self._factors, items)

    def _state(self) -> dict[str, np.ndarray]:
        return {
            "mean": np.array([self._mean]),
            "factors": self._factors,
            "biases": self._biases,
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._mean = float(state["mean"][0])
        self._factors = state["factors"]
        self._biases = state["biases"]


def newest_ratings(histories: Histories) -> Rows:
    """The newest value of every (user, item) pair, weight 1."""
    pair = histories.users().astype(np.int64) * histories.n_items + histories.items
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    newest = np.zeros(len(pair), np.bool_)
    newest[len(pair) - 1 - from_the_end] = True
    before = np.concatenate(([0], np.cumsum(newest)))
    values = histories.values[newest]
    return Rows(
        before[histories.indptr].astype(np.int64),
        histories.items[newest],
        np.ones(len(values), np.float32),
        values,
    )
