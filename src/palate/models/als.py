r"""ALS for implicit feedback (iALS): factors such that touched items score 1 and all others 0.

    L = sum over observed (u, i) of c_ui (x_u . y_i - 1)^2
        + alpha0 * sum over all (u, i) of (x_u . y_i)^2
        + sum_u lambda_u |x_u|^2 + sum_i lambda_i |y_i|^2

    lambda_u = lambda (n_u + alpha0 n_items)^nu,    lambda_i = lambda (n_i + alpha0 n_users)^nu

n_u and n_i are the observed pairs of a user and of an item. Each half-sweep solves all rows
of one side while the other stands still; a user is folded in by that same solve, from the
history alone, so that known and unknown users are answered alike. An item that nobody touched
has the vector 0 and comes last, until `partial_fit` or a refit has seen users of it.

Before a half-sweep the side that stands still is rotated to its principal axes: alpha0 Y'Y is
then a diagonal, which makes every solver below cheaper and a row with fewer entries than
factors cheaper still (see `kernels/als.py`). Predictions do not change by it.

Sources: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback
datasets", ICDM, sections 4 and 5; Rendle, Krichene, Zhang and Koren 2021, "Revisiting the
performance of iALS on item recommendation benchmarks", arXiv 2110.14037 (alpha0, nu, the
start); the same and Mayoraz 2021, "iALS++: speeding up matrix factorization with subspace
optimization", arXiv 2110.14044 (solver `block`); Takacs, Pilaszy and Tikk 2011, "Applications
of the conjugate gradient method for implicit feedback collaborative filtering", RecSys
(solver `cg`).
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.als_update import Before, moved_items
from palate.models.axes import gram_of, principal_axes, turned, whole
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.half_sweep import (
    Penalty,
    Rows,
    improve_by_blocks,
    improve_by_gradients,
    solve,
)
from palate.models.kernels.tiles import padded
from palate.models.latent import Latent, check_width, initial_factors
from palate.models.pairs import positive_pairs
from palate.types import Float32Array, Float64Array, FloatArray, Int64Array, Progress

__all__ = ["ALS", "ALSConfig"]


class ALSConfig(ModelConfig):
    """iALS's hyperparameters, in the symbols of Rendle et al. 2021. Defaults suit MovieLens."""

    f: int = Field(default=64, ge=1, le=4096, description="d there: factors.")
    alpha0: float = Field(
        default=0.3,
        gt=0,
        description="alpha0, weight of a cell that nobody touched; of a touched one it is 1 "
        "(or its value). The larger the catalogue, the smaller.",
    )
    lambda_: float = Field(default=0.01, gt=0, description="lambda, regularisation.")
    nu: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="nu, how regularisation grows with frequency: 0 not at all, 1 as in ALS-WR.",
    )
    iterations: int = Field(default=16, ge=1, description="Sweeps over both sides.")
    weights: Literal["binary", "value", "log"] = Field(
        default="binary",
        description="c_ui of a pair whose values add up to r above 0: 1, r, or log(1 + r).",
    )
    solver: Literal["cg", "cholesky", "block"] = Field(
        default="cg",
        description="cg: some steps of conjugate gradients a sweep, the fastest; cholesky: "
        "exact; block: exact in blocks of factors, iALS++.",
    )
    cg_steps: int = Field(default=3, ge=1, description="Steps a row and sweep, solver cg.")
    block: int = Field(
        default=32, ge=1, description="Factors of a block, solver block; rounded up to 16s."
    )
    sigma: float = Field(
        default=0.1, gt=0, description="sigma*; factors start with deviation sigma / sqrt(f)."
    )
    seed: int = Field(default=42, ge=0, description="Of the start.")

    space: ClassVar[dict[str, Dimension]] = {
        "f": Range(16, 256, log=True, integer=True),
        "alpha0": Range(0.003, 1.0, log=True),
        "lambda_": Range(0.0005, 0.1, log=True),
        "nu": Range(0.0, 1.0),
    }


class ALS(Latent[ALSConfig]):
    """Factors of users and items that tell touched from untouched, the untouched all counted."""

    name = "als"
    Config = ALSConfig
    capabilities = frozenset({"similar_items", "explain", "partial_fit"})

    _unobserved: Float32Array  # (width,) diagonal of alpha0 Y'Y
    _users_gram: Float32Array  # (width, width) X'X, summed over all training users
    _n_users: int  # how many of them
    _start: tuple[Float32Array, int] | None = None  # of a refit: items (n_items, width), sweeps

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        config = self.config
        users = _user_rows(dataset.histories, config)
        if not len(users.items):
            raise DataError(
                "als has nothing to learn from: no value is above 0",
                hint="give ratings or event weights above 0, or use explicit_als",
            )
        items = users.transposed(dataset.n_items)
        y, sweeps = self._start or (self._at_random(len(items)), config.iterations)
        x = np.zeros((len(users), y.shape[1]), np.float32)
        user_ridge = self._ridge(users.counts, len(items))
        item_ridge = self._ridge(items.counts, len(users))
        for done in range(sweeps):
            y, x = self._half_sweep(users, user_ridge, still=y, moving=x)
            x, y = self._half_sweep(items, item_ridge, still=x, moving=y)
            if progress is not None:
                progress(done + 1, sweeps, "alternating least squares")
        self._keep(y, gram_of(x), int(np.count_nonzero(users.counts)))

    def _at_random(self, n_items: int) -> Float32Array:
        """(n_items, width) float32, zeros from f."""
        config = self.config
        std, width = config.sigma / np.sqrt(config.f), padded(config.f)
        return initial_factors(n_items, config.f, std=std, seed=config.seed, width=width)

    def _half_sweep(
        self, rows: Rows, ridge: Float32Array, *, still: Float32Array, moving: Float32Array
    ) -> tuple[Float32Array, Float32Array]:
        """Both sides in the axes of the one that stands still, the other one solved."""
        config = self.config
        axes, lengths = principal_axes(gram_of(still))
        still = turned(still, axes)
        penalty = Penalty(np.float32(config.alpha0) * lengths, ridge)
        if config.solver == "cholesky":
            return still, solve(rows, still, penalty)
        moving = turned(moving, axes)
        if config.solver == "cg":
            typical = lengths / np.float32(len(still))
            improve_by_gradients(
                rows, still, penalty, moving, typical=typical, steps=config.cg_steps
            )
        else:
            improve_by_blocks(rows, still, penalty, moving, size=padded(config.block))
        return still, moving

    def _keep(self, y: Float32Array, users_gram: Float32Array, n_users: int) -> None:
        """Items, and X'X in their axes, both turned to the principal axes of the items."""
        axes, lengths = principal_axes(gram_of(y))
        self._set_items(turned(y, axes))
        self._unobserved = np.float32(self.config.alpha0) * lengths
        self._users_gram = (axes @ whole(users_gram) @ axes.T).astype(np.float32)
        self._n_users = n_users

    def _fold_in(self, histories: Histories) -> Float32Array:
        rows = _user_rows(histories, self.config)
        ridge = self._ridge(rows.counts, len(self._items))
        return solve(rows, self._items, Penalty(self._unobserved, ridge), threads=1)

    def _ridge(self, counts: Int64Array, n_others: int) -> Float32Array:
        """(n,) lambda_u or lambda_i of rows with so many entries."""
        config = self.config
        ridge = config.lambda_ * (counts + config.alpha0 * n_others) ** config.nu
        return ridge.astype(np.float32)

    def refit(self, dataset: Dataset, *, sweeps: int = 3, progress: Progress | None = None) -> Self:
        """Fit `dataset` from where this model stands, in fewer sweeps than from nothing.

        For the next day's data, whole: users and items may have come and gone. Items that
        are new start at 0 and find their place in the first sweep.

        Raises:
            DataError: The model cannot learn from such data (it is then not fitted), or
                `sweeps` is below 1.
        """
        rows = self._rows_before(dataset, sweeps)
        self._start = np.where(rows[:, None] >= 0, self._items[rows], np.float32(0)), sweeps
        try:
            return self.fit(dataset, progress=progress)
        finally:
            self._start = None

    def partial_fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Move the items that `dataset` touches to where its users, folded in, want them too.

        What training said of an item is remembered as a quadratic around its vector: the
        Gram matrix of all training users, once for every user of the item. Users of
        `dataset` count as new ones: give the whole histories of those who came back.

        Raises:
            DataError: The items are not those that the model knows.
        """
        self._check_items(dataset)
        histories = dataset.histories
        x = self._fold_in(histories)
        items = _user_rows(histories, self.config).transposed(dataset.n_items)
        counts = self.popularity.astype(np.int64)
        ridge = self._ridge(counts, self._n_users)
        before = Before(self._users_gram, self._n_users, self.popularity, ridge)
        n_users = self._n_users + int(np.count_nonzero(x.any(axis=1)))
        ridge = self._ridge(items.counts + counts, n_users)
        y = moved_items(self._items, items, x, ridge, before, alpha0=self.config.alpha0)
        self._keep(y, self._users_gram + gram_of(x), n_users)
        self._count_in(dataset)
        if progress is not None:
            progress(1, 1, "done")
        return self

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        """Section 5 of Hu et al.: y_j A^-1 y_e c_e, whose sum is the score."""
        weights = _confidence(positive_pairs(history, binary=False), self.config)
        vectors = self._items[history.items].astype(np.float64)
        ridge = self._ridge(np.array([np.count_nonzero(weights)]), len(self._items))
        normal = (vectors.T * weights) @ vectors
        normal.flat[:: len(normal) + 1] += self._unobserved + ridge
        found: Float64Array = weights * (vectors @ np.linalg.solve(normal, self._items[item]))
        return found

    def _state(self) -> dict[str, np.ndarray]:
        return {
            **super()._state(),
            "unobserved": self._unobserved,
            "users_gram": self._users_gram,
            "n_users": np.array([self._n_users], np.int64),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        items = state["items"]
        check_width(self.name, items, found=items.shape[-1], wanted=padded(self.config.f))
        super()._restore(state)
        self._unobserved = state["unobserved"]
        self._users_gram = state["users_gram"]
        self._n_users = int(state["n_users"][0])


def _confidence(sums: Float64Array, config: ALSConfig) -> Float64Array:
    """C of pairs whose values add up to `sums`; 0 stays 0."""
    if config.weights == "value":
        return sums
    return np.log1p(sums) if config.weights == "log" else (sums > 0).astype(np.float64)


def _user_rows(histories: Histories, config: ALSConfig) -> Rows:
    weights = _confidence(positive_pairs(histories, binary=False), config)
    kept = weights > 0
    before = np.concatenate(([0], np.cumsum(kept)))
    indptr = before[histories.indptr].astype(np.int64)
    return Rows.of(indptr, histories.items[kept], weights[kept])
