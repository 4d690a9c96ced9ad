r"""SVD as in the Netflix prize (Funk): biases and factors fitted to ratings by gradient descent.

    (r_ui - mu) / s  ~  b_u + b_i + x_u . y_i        (mean and deviation of all ratings: mu, s)

    b  <-  b + gamma (e_ui - lambda b),    x_u  <-  x_u + gamma (e_ui y_i - lambda x_u),
    y_i  <-  y_i + gamma (e_ui x_u - lambda y_i),    e_ui = what the left side exceeds the right by

What is kept are the items. A user is folded in by ridge regression on the ratings given,

    (b_u, x_u) = argmin sum_i ((r_ui - mu) / s - b_i - b - x . y_i)^2 + n_u lambda_fold |(b, x)|^2,

which has its own lambda_fold, since descent ends before its penalty has all its effect.

An item that nobody rated has no factors and the bias 0: the user's own mean is predicted. It
needs a refit. Scores are ratings: they tell how much somebody would like what they choose,
not what they would choose, so lists ordered by them are poor.

Sources: Funk 2006, "Netflix update: try this at home"; Koren, Bell and Volinsky 2009, "Matrix
factorization techniques for recommender systems", Computer 42(8), equations 4 and 5.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.models.config import Dimension, ModelConfig, Range
from palate.models.half_sweep import Rows
from palate.models.kernels.funk import descend_block
from palate.models.kernels.tiles import padded
from palate.models.rated import Rated
from palate.models.strata import STRATA, sweep
from palate.types import Float32Array, Int32Array, Int64Array, Progress

__all__ = ["SVD", "SVDConfig"]


class SVDConfig(ModelConfig):
    """SVD's hyperparameters. The defaults suit MovieLens."""

    f: int = Field(default=100, ge=1, le=1024, description="f, factors.")
    epochs: int = Field(default=40, ge=1, description="Passes over all ratings.")
    gamma: float = Field(default=0.01, gt=0, le=1, description="gamma, the step.")
    lambda_: float = Field(default=0.06, ge=0, description="lambda, regularisation of a step.")
    lambda_fold: float = Field(
        default=0.09, gt=0, description="lambda_fold, regularisation when a user is folded in."
    )
    sigma: float = Field(default=0.1, gt=0, description="Deviation that factors start with.")
    seed: int = Field(default=42, ge=0, description="Of the start and of the order.")

    space: ClassVar[dict[str, Dimension]] = {
        "f": Range(16, 200, log=True, integer=True),
        "epochs": Range(10, 60, log=True, integer=True),
        "gamma": Range(0.002, 0.02, log=True),
        "lambda_": Range(0.01, 0.1, log=True),
        "lambda_fold": Range(0.01, 0.2, log=True),
    }


class SVD(Rated[SVDConfig]):
    """What rating a user would give, learned rating by rating."""

    name = "svd"
    Config = SVDConfig

    def _learn(
        self, ratings: Rows, n_items: int, progress: Progress | None
    ) -> tuple[Float32Array, Float32Array]:
        config = self.config
        rng = np.random.default_rng(config.seed)
        blocks, ends = _in_blocks(ratings, n_items, rng)
        users = _start(len(ratings), config, rng)
        items = _start(n_items, config, rng)
        rate, penalty = np.float32(config.gamma), np.float32(config.lambda_)

        def block(user_stratum: int, item_stratum: int) -> None:
            at = user_stratum * STRATA + item_stratum
            descend_block(ends[at], ends[at + 1], blocks, users, items, rate, penalty)

        for done in range(config.epochs):
            sweep(block)
            if progress is not None:
                progress(done + 1, config.epochs, "descending")
        factors, biases = items
        factors[np.bincount(ratings.items, minlength=n_items) == 0] = 0.0
        return np.ascontiguousarray(factors[:, : config.f]), biases

    @property
    def _factor_count(self) -> int:
        return self.config.f

    @property
    def _fold_penalty(self) -> float:
        return self.config.lambda_fold


def _start(
    n: int, config: SVDConfig, rng: np.random.Generator
) -> tuple[Float32Array, Float32Array]:
    """Factors (n, width), zeros beyond f, and biases (n,)."""
    factors = np.zeros((n, padded(config.f)), np.float32)
    factors[:, : config.f] = rng.normal(0.0, config.sigma, (n, config.f))
    return factors, np.zeros(n, np.float32)


def _in_blocks(
    ratings: Rows, n_items: int, rng: np.random.Generator
) -> tuple[tuple[Int32Array, Int32Array, Float32Array], Int64Array]:
    """Users, items and targets ordered by pair of strata; (STRATA^2 + 1,) where each pair starts.

    Inside a block, users come in random order and the ratings of one stand together, so
    that its factors stay in the first cache. Users are numbered in that order, since nothing
    is kept of them: their factors are read as they stand in memory.
    """
    n = len(ratings)
    drawn = rng.permutation(n)
    counts = ratings.counts[drawn]
    ends = np.cumsum(counts)
    entries = np.repeat(ratings.indptr[drawn] - ends + counts, counts) + np.arange(ends[-1])
    item_stratum = (rng.permutation(n_items) % STRATA).astype(np.uint8)
    users = np.repeat(np.arange(n, dtype=np.int32), counts)
    user_stratum = (users * np.int64(STRATA) // n).astype(np.uint8)
    block = user_stratum * np.uint8(STRATA) + item_stratum[ratings.items[entries]]
    order = np.argsort(block, kind="stable")
    users, entries = users[order], entries[order]
    starts = np.concatenate(([0], np.cumsum(np.bincount(block, minlength=STRATA**2))))
    return (users, ratings.items[entries], ratings.targets[entries]), starts.astype(np.int64)
