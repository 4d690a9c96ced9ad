"""What rating models share: a mean, biases, factors, and users folded in from their ratings."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from palate.data.histories import Histories
from palate.models.config import ModelConfig
from palate.models.half_sweep import Penalty, Rows, solve
from palate.models.kernels.tiles import padded
from palate.models.latent import Latent, cosines
from palate.types import Float32Array, Int32Array

__all__ = ["Rated", "newest_ratings", "solve_rated"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class Rated(Latent[ConfigT]):
    """score(u, i) = mu + b_u + b_i + x_u . y_i, on the scale of the training values.

    The values of a history are ratings; of several for one item the newest counts. A
    prediction may pass the ends of the scale: only the caller knows where they are.

    A subclass ends `_fit` with `_set_rated`, and says how strongly a user is held to the
    average in `_fold_penalty`.
    """

    capabilities = frozenset({"ratings", "similar_items"})

    _mean: float
    _factors: Float32Array  # (n_items, f)
    _biases: Float32Array  # (n_items,)

    @property
    def _fold_penalty(self) -> float:
        """lambda of one rating when a user is folded in."""
        raise NotImplementedError

    def _set_rated(self, mean: float, factors: Float32Array, biases: Float32Array) -> None:
        self._mean, self._factors, self._biases = mean, factors, biases
        self._set_items(np.column_stack((factors, np.ones(len(factors)), biases)))

    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, f + 2): x_u, mu + b_u, 1; the items have y_i, 1, b_i."""
        rows = newest_ratings(histories).shifted(-self._mean)
        x, b = solve_rated(rows, self._factors, self._biases, self._fold_penalty)
        return np.column_stack((x, np.float32(self._mean) + b, np.ones(len(x), np.float32)))

    def _similar_rows(self, items: Int32Array) -> Float32Array:
        return cosines(self._factors, items)

    def _state(self) -> dict[str, np.ndarray]:
        return {
            "mean": np.array([self._mean]),
            "factors": self._factors,
            "biases": self._biases,
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._set_rated(float(state["mean"][0]), state["factors"], state["biases"])


def newest_ratings(histories: Histories) -> Rows:
    """The newest value of every (user, item) pair, weight 1."""
    pair = histories.users().astype(np.int64) * histories.n_items + histories.items
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    newest = np.zeros(len(pair), np.bool_)
    newest[len(pair) - 1 - from_the_end] = True
    before = np.concatenate(([0], np.cumsum(newest)))
    indptr, values = before[histories.indptr].astype(np.int64), histories.values[newest]
    return Rows(indptr, histories.items[newest], np.ones(len(values), np.float32), values)


def solve_rated(
    rows: Rows, factors: Float32Array, biases: Float32Array, lambda_: float
) -> tuple[Float32Array, Float32Array]:
    """Ridge regression of each row's ratings on the other side's factors.

    Args:
        rows: n of them; targets are ratings less their mean.
        factors: (n_others, f) float32.
        biases: (n_others,) float32.
        lambda_: Penalty of factors and bias, for each rating of a row.

    Returns:
        Factors (n, f) and biases (n,), float32.
    """
    f = factors.shape[1]
    with_one = np.zeros((len(factors), padded(f + 1)), np.float32)
    with_one[:, :f], with_one[:, f] = factors, 1.0
    ridge = (lambda_ * np.maximum(rows.counts, 1)).astype(np.float32)
    penalty = Penalty(np.zeros(with_one.shape[1], np.float32), ridge)
    found = solve(rows.shifted(-biases[rows.items]), with_one, penalty)
    return np.ascontiguousarray(found[:, :f]), np.ascontiguousarray(found[:, f])
