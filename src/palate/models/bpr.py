r"""BPR: factors that put what a user touched before what the user did not.

    maximise  sum over (u, i touched, j untouched) of  ln sigmoid(s_ui - s_uj)
              - lambda (|x_u|^2 + |y_i|^2 + |y_j|^2) / 2 for each such triple,
    s_ui = b_i + x_u . y_i

by stochastic gradient descent, j drawn at random among the untouched. What is kept are the
items. A user is folded in by the same descent over the history with the items standing
still, which is a convex problem: known and unknown users are answered alike. An item that
nobody touched keeps its bias alone, which every draw pushed down; it needs a refit. A
reason's share is what the steps taken for that item of the history added to the score.

Source: Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009, "BPR: Bayesian personalized
ranking from implicit feedback", UAI, sections 4 and 5.3 (LearnBPR, matrix factorisation).
Here every touched pair is used once a sweep, instead of drawn with replacement.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.kernels.bpr import descend_pairs, fold_in_pairs, steps_of_fold_in
from palate.models.kernels.tiles import padded
from palate.models.latent import Latent, check_width, initial_factors
from palate.models.pairs import positive_pairs
from palate.models.strata import STRATA, sweep
from palate.types import (
    Float32Array,
    Float64Array,
    FloatArray,
    Int32Array,
    Int64Array,
    Progress,
)

__all__ = ["BPR", "BPRConfig"]

LEAST_STEPS = 200  # of folding in, however short the history
TOGETHER = 16  # users, of many, that one pass takes one after the other


class BPRConfig(ModelConfig):
    """BPR's hyperparameters. The defaults suit MovieLens."""

    f: int = Field(default=64, ge=1, le=1024, description="k there: factors.")
    epochs: int = Field(default=60, ge=1, description="Passes over all touched pairs.")
    alpha: float = Field(
        default=0.08, gt=0, le=1, description="alpha, the first step; it falls to 0 evenly."
    )
    lambda_: float = Field(
        default=0.015, ge=0, description="lambda_Theta, regularisation of a step."
    )
    fold_passes: int = Field(
        default=20, ge=1, description="Passes over a history when a user is folded in."
    )
    sigma: float = Field(default=0.1, gt=0, description="Deviation that factors start with.")
    seed: int = Field(default=42, ge=0, description="Of the start, the order and the draws.")

    space: ClassVar[dict[str, Dimension]] = {
        "f": Range(16, 256, log=True, integer=True),
        "epochs": Range(20, 200, log=True, integer=True),
        "alpha": Range(0.01, 0.2, log=True),
        "lambda_": Range(0.0005, 0.05, log=True),
    }


class BPR(Latent[BPRConfig]):
    """Order learned from pairs: what was touched before what was not."""

    name = "bpr"
    Config = BPRConfig
    capabilities = frozenset({"similar_items", "explain"})

    _factors: Float32Array  # (n_items, width) y
    _biases: Float32Array  # (n_items,) b

    def _set_items(self, items: Float32Array) -> None:
        """Keep (n_items, width + 1): y, b."""
        super()._set_items(items)
        self._factors = np.ascontiguousarray(self._items[:, :-1])
        self._biases = self._items[:, -1].copy()

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        config = self.config
        indptr, items = _touched(dataset.histories)
        if not len(items):
            raise DataError(
                "bpr has nothing to learn from: no value is above 0",
                hint="give ratings or event weights above 0",
            )
        n_users, n_items = dataset.n_users, dataset.n_items
        rng = np.random.default_rng(config.seed)
        std, width = config.sigma, padded(config.f)
        x = initial_factors(n_users, config.f, std=std, seed=config.seed, width=width)
        y = initial_factors(n_items, config.f, std=std, seed=config.seed + 1, width=width)
        b = np.zeros(n_items, np.float32)
        for done in range(config.epochs):
            rate = config.alpha * (1 - done / config.epochs)
            self._epoch((indptr, items), (x, y, b), rate, rng)
            if progress is not None:
                progress(done + 1, config.epochs, "descending")
        y[np.bincount(items, minlength=n_items) == 0] = 0.0  # what descent left of the start
        self._set_items(np.column_stack((y, b)))

    def _epoch(
        self,
        pairs: tuple[Int64Array, Int32Array],
        model: tuple[Float32Array, Float32Array, Float32Array],
        rate: float,
        rng: np.random.Generator,
    ) -> None:
        """Every touched pair once, users and items dealt into strata anew."""
        x, y, _ = model
        users = np.array_split(_drawn_together(len(x), rng), STRATA)
        pools = np.array_split(rng.permutation(len(y)).astype(np.int32), STRATA)
        marks = np.zeros((STRATA, len(y)), np.bool_)
        for mark, pool in zip(marks, pools, strict=True):
            mark[pool] = True
        seed = int(rng.integers(1 << 40))
        kept = np.float32(1 - rate * self.config.lambda_)

        def block(user_stratum: int, item_stratum: int) -> None:
            descend_pairs(
                users[user_stratum],
                *pairs,
                model,
                (marks[item_stratum], pools[item_stratum]),
                np.float32(rate),
                (kept, kept),
                seed + user_stratum * STRATA + item_stratum,
            )

        sweep(block)

    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, width + 1): x_u, 1."""
        indptr, items = _touched(histories)
        out = np.empty((histories.n_users, self._factors.shape[1]), np.float32)
        model = (self._factors, self._biases, self._fold_settings())
        fold_in_pairs(0, len(out), indptr, items, *model, out)
        return np.column_stack((out, np.ones(len(out), np.float32)))

    def _fold_settings(self) -> tuple[int, int, np.float32, np.float32, int]:
        """As compiled loops want them: passes, least steps, first step, penalty, seed."""
        config = self.config
        rate, penalty = np.float32(config.alpha), np.float32(config.lambda_)
        return config.fold_passes, LEAST_STEPS, rate, penalty, config.seed

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        """What the steps for each entry added to x_u . y; together they are all of it."""
        _, items = _touched(history)
        found: Float64Array = np.zeros(len(history))
        if not 0 < len(items) < history.n_items:
            return found
        model = (self._factors, self._biases, self._fold_settings())
        drawn, left = steps_of_fold_in(items, *model)
        towards = self._factors.astype(np.float64) @ self._factors[item]
        entry = np.arange(len(drawn)) % len(items)
        added = left * (towards[items[entry]] - towards[drawn])
        counted = positive_pairs(history, binary=True) > 0
        found[counted] = np.bincount(entry, added, minlength=len(items))
        return found

    @property
    def _vectors(self) -> Float32Array:
        return self._factors

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        items = state["items"]
        check_width(self.name, items, found=items.shape[-1] - 1, wanted=padded(self.config.f))
        super()._restore(state)


def _drawn_together(n: int, rng: np.random.Generator) -> Int32Array:
    """All users in a random order in which some neighbours stay neighbours.

    Their factors and histories are then read as they stand in memory. Where users are few,
    that memory is near anyway, and each comes alone.
    """
    together = max(1, min(TOGETHER, n // 1024))
    first = together * rng.permutation(-(-n // together))
    users = (first[:, None] + np.arange(together)).ravel()
    return users[users < n].astype(np.int32)


def _touched(histories: Histories) -> tuple[Int64Array, Int32Array]:
    """Indptr (n + 1,) and items of the pairs whose values add up to more than 0."""
    kept = positive_pairs(histories, binary=True) > 0
    before = np.concatenate(([0], np.cumsum(kept)))
    return before[histories.indptr].astype(np.int64), histories.items[kept]
