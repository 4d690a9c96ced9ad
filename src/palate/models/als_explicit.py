r"""Explicit ALS (ALS-WR): factors and biases that reproduce the ratings that were given.

    L = sum over rated (u, i) of ((r_ui - mu) / s - b_u - b_i - x_u . y_i)^2
        + sum_u lambda n_u (|x_u|^2 + b_u^2)  +  sum_i lambda n_i (|y_i|^2 + b_i^2)

mu and s are mean and deviation of all ratings.
Each half-sweep solves all rows of one side, bias included, while the other stands still; a
user is folded in by that same solve, from the ratings alone. Scores are ratings: they tell
how much somebody would like what they choose, not what they would choose, so lists ordered
by them are poor and `als` is the model to recommend with.

Source: Zhou, Wilkinson, Schreiber and Pan 2008, "Large-scale parallel collaborative filtering
for the Netflix prize", AAIM, section 3.1 (regularisation weighted by n_u and n_i); the biases
are those of Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender
systems", Computer 42(8), equation 4.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.models.config import Dimension, ModelConfig, Range
from palate.models.half_sweep import Rows
from palate.models.latent import initial_factors
from palate.models.rated import Rated, solve_rated
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

    def _learn(
        self, ratings: Rows, n_items: int, progress: Progress | None
    ) -> tuple[Float32Array, Float32Array]:
        config = self.config
        by_item = ratings.transposed(n_items)
        y = initial_factors(n_items, config.f, std=config.sigma, seed=config.seed)
        b = np.zeros(n_items, np.float32)
        for done in range(config.iterations):
            x, c = solve_rated(ratings, y, b, config.lambda_)
            y, b = solve_rated(by_item, x, c, config.lambda_)
            if progress is not None:
                progress(done + 1, config.iterations, "alternating least squares")
        return y, b

    @property
    def _fold_penalty(self) -> float:
        return self.config.lambda_
