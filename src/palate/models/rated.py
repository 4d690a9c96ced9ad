"""What rating models share: a mean, biases, factors, and users folded in from their ratings."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TypeVar

import numpy as np

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import ModelConfig
from palate.models.half_sweep import Penalty, Rows, solve
from palate.models.kernels.newest import newest_of_pairs
from palate.models.kernels.tiles import padded
from palate.models.latent import Latent, check_width
from palate.types import Float32Array, Float64Array, FloatArray, Progress

__all__ = ["Rated", "newest_ratings", "solve_rated", "with_one"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class Rated(Latent[ConfigT]):
    """score(u, i) = mu + s (b_u + b_i + x_u . y_i), on the scale of the training values.

    mu and s are mean and deviation of the training ratings: what is learned are ratings of
    mean 0 and deviation 1, so that settings mean the same on a scale of 1 to 5 and on one of
    0 to 100. The values of a history are ratings; of several for one item the newest counts.
    A prediction may pass the ends of the scale: only the caller knows where they are.

    An answer can be explained, since a user is a linear function of the ratings given: with
    z = (y, 1) and A = sum_e z_e z_e' + n lambda I the rating r_e adds s z_i' A^-1 z_e times
    ((r_e - mu) / s - b_e) to the score of i, and together they add score - (mu + s b_i).

    A subclass learns in `_learn`, and says how strongly a user is held to the average in
    `_fold_penalty`.
    """

    capabilities = frozenset({"ratings", "similar_items", "explain"})

    _scale: tuple[float, float]  # mu, s
    _factors: Float32Array  # (n_items, f)
    _biases: Float32Array  # (n_items,)
    _with_one: Float32Array  # (n_items, width) factors, 1, zeros

    @abstractmethod
    def _learn(
        self, ratings: Rows, n_items: int, progress: Progress | None
    ) -> tuple[Float32Array, Float32Array]:
        """Item factors (n_items, f) and biases (n_items,) from standardised ratings by user."""

    @property
    @abstractmethod
    def _factor_count(self) -> int:
        """Of the config: factors of an item, its bias not counted."""

    @property
    @abstractmethod
    def _fold_penalty(self) -> float:
        """Lambda of one rating when a user is folded in."""

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        ratings = newest_ratings(dataset.histories)
        mean, deviation = (f(ratings.targets, dtype=np.float64) for f in (np.mean, np.std))
        self._scale = float(mean), float(deviation) if deviation > 0 else 1.0
        factors, biases = self._learn(self._standard(ratings), dataset.n_items, progress)
        self._set_rated(factors, biases)

    def _set_rated(self, factors: Float32Array, biases: Float32Array) -> None:
        self._factors, self._biases = factors, biases
        self._with_one = with_one(factors)
        self._set_items(np.column_stack((factors, np.ones(len(factors)), biases)))

    def _standard(self, ratings: Rows) -> Rows:
        mean, deviation = self._scale
        targets = ((ratings.targets - mean) / deviation).astype(np.float32)
        return replace(ratings, targets=targets)

    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, f + 2): s x_u, mu + s b_u, s; the items have y_i, 1, b_i."""
        rows = self._standard(newest_ratings(histories))
        rows = rows.shifted(-self._biases[rows.items])
        found = solve(
            rows, self._with_one, _penalty(rows, self._fold_penalty, self._with_one), threads=1
        )
        x, b = found[:, : self._factors.shape[1]], found[:, self._factors.shape[1]]
        mean, deviation = (np.float32(number) for number in self._scale)
        return np.column_stack((deviation * x, mean + deviation * b, np.full(len(x), deviation)))

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        newest = newest_of_pairs(history.indptr, history.items, history.n_items)
        rows = self._standard(newest_ratings(history))
        vectors = self._with_one[rows.items].astype(np.float64)
        normal = vectors.T @ vectors
        normal.flat[:: len(normal) + 1] += self._fold_penalty * max(1, len(vectors))
        pull = vectors @ np.linalg.solve(normal, self._with_one[item])
        found: Float64Array = np.zeros(len(history))
        found[newest] = self._scale[1] * pull * (rows.targets - self._biases[rows.items])
        return found

    @property
    def _vectors(self) -> Float32Array:
        return self._factors

    def _state(self) -> dict[str, np.ndarray]:
        return {
            "scale": np.array(self._scale),
            "factors": self._factors,
            "biases": self._biases,
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        factors = state["factors"]
        check_width(self.name, factors, found=factors.shape[-1], wanted=self._factor_count)
        mean, deviation = state["scale"]
        self._scale = float(mean), float(deviation)
        self._set_rated(state["factors"], state["biases"])


def newest_ratings(histories: Histories) -> Rows:
    """The newest value of every (user, item) pair, weight 1."""
    newest = newest_of_pairs(histories.indptr, histories.items, histories.n_items)
    before = np.concatenate(([0], np.cumsum(newest)))
    indptr, values = before[histories.indptr].astype(np.int64), histories.values[newest]
    return Rows(indptr, histories.items[newest], np.ones(len(values), np.float32), values)


def solve_rated(
    rows: Rows, factors: Float32Array, biases: Float32Array, lambda_: float
) -> tuple[Float32Array, Float32Array]:
    """Ridge regression of each row's ratings on the other side's factors.

    Args:
        rows: n of them; targets are standardised ratings.
        factors: (n_others, f) float32.
        biases: (n_others,) float32.
        lambda_: Penalty of factors and bias, for each rating of a row.

    Returns:
        Factors (n, f) and biases (n,), float32.
    """
    f, wide = factors.shape[1], with_one(factors)
    found = solve(rows.shifted(-biases[rows.items]), wide, _penalty(rows, lambda_, wide))
    return np.ascontiguousarray(found[:, :f]), np.ascontiguousarray(found[:, f])


def with_one(factors: Float32Array) -> Float32Array:
    """(n, width) float32: factors (n, f), a 1 for the other side's bias, zeros."""
    f = factors.shape[1]
    wide = np.zeros((len(factors), padded(f + 1)), np.float32)
    wide[:, :f], wide[:, f] = factors, 1.0
    return wide


def _penalty(rows: Rows, lambda_: float, factors: Float32Array) -> Penalty:
    ridge = (lambda_ * np.maximum(rows.counts, 1)).astype(np.float32)
    return Penalty(np.zeros(factors.shape[1], np.float32), ridge)
