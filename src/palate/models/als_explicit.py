r"""Explicit ALS (ALS-WR): factors and biases that reproduce the ratings that were given.

    L = sum over rated (u, i) of ((r_ui - mu) / s - b_u - b_i - x_u . y_i)^2
        + sum_u lambda n_u (|x_u|^2 + b_u^2)  +  sum_i lambda n_i (|y_i|^2 + b_i^2)

mu and s are mean and deviation of all ratings.
Each half-sweep solves all rows of one side, bias included, while the other stands still; a
user is folded in by that same solve, from the ratings alone. An item that nobody rated has no
factors and the bias 0: the user's own mean is predicted, until `partial_fit` or a refit has
seen ratings of it. Scores are ratings: they tell how much somebody would like what they
choose, not what they would choose, so lists ordered by them are poor and `als` is the model
to recommend with.

Source: Zhou, Wilkinson, Schreiber and Pan 2008, "Large-scale parallel collaborative filtering
for the Netflix prize", AAIM, section 3.1 (regularisation weighted by n_u and n_i); the biases
are those of Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender
systems", Computer 42(8), equation 4.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.models.als_update import Before, moved_items
from palate.models.axes import gram_of
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.half_sweep import Rows
from palate.models.latent import initial_factors
from palate.models.rated import Rated, newest_ratings, solve_rated, with_one
from palate.types import Float32Array, Progress

__all__ = ["ExplicitALS", "ExplicitALSConfig"]


class ExplicitALSConfig(ModelConfig):
    """Explicit ALS's hyperparameters. The defaults suit MovieLens."""

    f: int = Field(
        default=31,
        ge=1,
        le=1024,
        description="n_f there: factors; one below a multiple of 16 is the fastest.",
    )
    lambda_: float = Field(
        default=0.1, gt=0, description="lambda, regularisation for each rating of a row."
    )
    iterations: int = Field(default=15, ge=1, description="Sweeps over both sides.")
    sigma: float = Field(default=0.1, gt=0, description="Deviation that factors start with.")
    seed: int = Field(default=42, ge=0, description="Of the start.")

    space: ClassVar[dict[str, Dimension]] = {
        "f": Range(8, 128, log=True, integer=True),
        "lambda_": Range(0.02, 0.3, log=True),
    }


class ExplicitALS(Rated[ExplicitALSConfig]):
    """What rating a user would give, from factors solved for in turn."""

    name = "explicit_als"
    Config = ExplicitALSConfig
    capabilities = Rated.capabilities | {"partial_fit"}

    _ratings_gram: Float32Array  # (width, width) sum of (x, 1)(x, 1)' over all training ratings
    _n_ratings: int  # how many of them
    # Of a refit: factors (n_items, f), biases (n_items,), sweeps.
    _start: tuple[Float32Array, Float32Array, int] | None = None

    def _learn(
        self, ratings: Rows, n_items: int, progress: Progress | None
    ) -> tuple[Float32Array, Float32Array]:
        config = self.config
        by_item = ratings.transposed(n_items)
        y, b, sweeps = self._start or (
            initial_factors(n_items, config.f, std=config.sigma, seed=config.seed),
            np.zeros(n_items, np.float32),
            config.iterations,
        )
        for done in range(sweeps):
            x, c = solve_rated(ratings, y, b, config.lambda_)
            y, b = solve_rated(by_item, x, c, config.lambda_)
            if progress is not None:
                progress(done + 1, sweeps, "alternating least squares")
        self._ratings_gram, self._n_ratings = _gram_of_ratings(ratings, x), len(ratings.items)
        return y, b

    def refit(self, dataset: Dataset, *, sweeps: int = 3, progress: Progress | None = None) -> Self:
        """Fit `dataset` from where this model stands, in fewer sweeps than from nothing.

        For the next day's data, whole: users and items may have come and gone. Items that
        are new start at 0 and find their place in the first sweep.

        Raises:
            DataError: The model cannot learn from such data (it is then not fitted), or
                `sweeps` is below 1.
        """
        rows = self._rows_before(dataset, sweeps)
        known, zero = rows >= 0, np.float32(0)
        factors = np.where(known[:, None], self._factors[rows], zero)
        self._start = factors, np.where(known, self._biases[rows], zero), sweeps
        try:
            return self.fit(dataset, progress=progress)
        finally:
            self._start = None

    def partial_fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Move the items that `dataset` rates to where its users, folded in, want them too.

        What training said of an item is remembered as a quadratic around its factors and
        bias: the mean Gram matrix of a training rating, once for every rating of the item.
        mu and s stay. Users of `dataset` count as new ones: give the whole histories of those
        who came back.

        Raises:
            DataError: The items are not those that the model knows.
        """
        self._check_items(dataset)
        ratings = self._standard(newest_ratings(dataset.histories))
        x, c = solve_rated(ratings, self._factors, self._biases, self.config.lambda_)
        rows = ratings.shifted(-np.repeat(c, ratings.counts)).transposed(dataset.n_items)
        counts = self.popularity
        lambda_ = np.float32(self.config.lambda_)
        before = Before(self._ratings_gram, self._n_ratings, counts, lambda_ * counts)
        ridge = (lambda_ * (counts + rows.counts)).astype(np.float32)
        y = with_one(self._factors)
        y[:, self.config.f] = self._biases
        y = moved_items(y, rows, with_one(x), ridge, before, alpha0=0.0)
        f = self.config.f
        self._set_rated(np.ascontiguousarray(y[:, :f]), y[:, f].copy())
        self._ratings_gram = self._ratings_gram + _gram_of_ratings(ratings, x)
        self._n_ratings += len(ratings.items)
        self._count_in(dataset)
        if progress is not None:
            progress(1, 1, "done")
        return self

    def _state(self) -> dict[str, np.ndarray]:
        return {
            **super()._state(),
            "ratings_gram": self._ratings_gram,
            "n_ratings": np.array([self._n_ratings], np.int64),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        super()._restore(state)
        self._ratings_gram = state["ratings_gram"]
        self._n_ratings = int(state["n_ratings"][0])

    @property
    def _factor_count(self) -> int:
        return self.config.f

    @property
    def _fold_penalty(self) -> float:
        return self.config.lambda_


def _gram_of_ratings(ratings: Rows, x: Float32Array) -> Float32Array:
    """Upper triangle of the sum of (x_u, 1)(x_u, 1)' over `ratings`, a user's as often as rated."""
    often = np.sqrt(ratings.counts).astype(np.float32)
    return gram_of(with_one(x) * often[:, None])
