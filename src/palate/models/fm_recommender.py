r"""FM as a recommender: a user is the history, an item its id and attributes.

    score(u, i) = w0 + b_i + <p_u, q_i>,        P = 1 / (1 + exp(-score))

    b_i = sum_{a of i} w_a x_a        q_i = sum_{a of i} v_a x_a        (a: the id, attributes)
    p_u = n^-alpha sum_{j touched by u} y_j

This is the factorisation machine whose features are the touched items (each n^-alpha, its
factors y_j) and the item's own, with the pairs between both sides kept. Pairs within a side
are left out: those of the history move all scores of a user alike, those of the item are its
own weight. No user has a row of parameters, so everybody is answered from their events, and an
item that nobody touched from its attributes.

Learned by log loss from each touched item, the history taken without it, and from items drawn
by popularity that the user has not touched.

Sources: Rendle 2010, "Factorization machines", ICDM, section V-B (FM with the implicit
feedback of SVD++ as features); Koren 2008, "Factorization meets the neighborhood", KDD,
equation 15 (n^-1/2); Kabbur, Ning and Karypis 2013, "FISM", KDD, equation 5 (the history
without the item itself, alpha).
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import numpy as np
import polars as pl
from pydantic import Field
from scipy.sparse import csr_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.features.columns import Columns, ColumnSpec, Encoded, specs_of
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.kernels.fm_history import fm_history_epoch
from palate.models.latent import Latent, check_width
from palate.models.pairs import Pairs, positive_pairs
from palate.types import (
    AttributeKind,
    Float32Array,
    Float64Array,
    FloatArray,
    Progress,
)

__all__ = ["FMRecommender", "FMRecommenderConfig"]

Parameters: TypeAlias = tuple[Float64Array, Float32Array, Float32Array, Float32Array]
ID = "item_id"


class FMRecommenderConfig(ModelConfig):
    """FM's hyperparameters as a recommender.

    The defaults are good on MovieLens 100K: the best, rounded, of 24 configs on a quarter of
    its training rows, searched from plain settings (`benchmarks/fm_tuning.py`).
    """

    k: int = Field(default=64, ge=1, le=1024, description="k, factors.")
    eta: float = Field(default=0.05, gt=0, description="eta, step of AdaGrad.")
    lambda_w: float = Field(default=1e-4, ge=0, description="lambda of w, for each row met.")
    lambda_v: float = Field(default=5e-4, ge=0, description="lambda of v and y, likewise.")
    sigma: float = Field(default=0.1, gt=0, description="sigma, deviation of the first factors.")
    alpha: float = Field(
        default=0.8, ge=0, le=1, description="alpha, an event among n weighs n^-alpha."
    )
    negatives: int = Field(default=6, ge=1, le=100, description="Items drawn for each event.")
    beta: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="beta, an item is drawn by (users who touched it)^beta; never one that "
        "nobody has.",
    )
    epochs: int = Field(default=9, ge=1, description="Passes over the events.")
    attributes: tuple[str, ...] | None = Field(
        default=None, description="Item attributes used; all that can be by default."
    )
    bins: int = Field(default=16, ge=2, description="Knots of numbers and times.")
    seed: int = Field(default=42, ge=0, description="Of the start, the order and the draws.")

    space: ClassVar[dict[str, Dimension]] = {
        "k": Choice((16, 32, 64, 128)),
        "eta": Range(0.02, 0.3, log=True),
        "lambda_v": Range(1e-5, 1e-1, log=True),
        "alpha": Range(0.0, 1.0),
        "negatives": Range(2, 16, log=True, integer=True),
        "beta": Range(0.1, 1.0),
        "epochs": Range(5, 60, log=True, integer=True),
    }


class FMRecommender(Latent[FMRecommenderConfig]):
    """What a history says of an item through the item's id and its attributes together."""

    name = "fm"
    Config = FMRecommenderConfig
    capabilities = frozenset({"similar_items", "explain", "cold_items"})

    # _items is (n_items, k + 1): q, then b + w0
    _touched: Float32Array  # (n_items, k): y

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        config = self.config
        indptr, items, _ = Pairs.positive(dataset.histories, binary=True).by_user
        if not len(items):
            raise DataError(
                "fm has nothing to learn from: no value is above 0",
                hint="give ratings or event weights above 0",
            )
        rows = _item_rows(dataset, config)
        counts = np.bincount(items, minlength=dataset.n_items)
        rng = np.random.default_rng(config.seed)
        parameters = _start(rows, counts, config, rng)
        squares: Parameters = (
            np.ones(1),
            np.ones_like(parameters[1]),
            np.ones_like(parameters[2]),
            np.ones_like(parameters[3]),
        )
        rates = (np.float32(config.eta), np.float32(config.lambda_w), np.float32(config.lambda_v))
        active = np.flatnonzero(np.diff(indptr))
        cumulative = np.cumsum(counts.astype(np.float64) ** config.beta * (counts > 0))
        for epoch in range(config.epochs):
            lots = rng.random((len(items), config.negatives)) * cumulative[-1]
            drawn = np.searchsorted(cumulative, lots, side="right")
            fm_history_epoch(
                rng.permutation(active),
                (indptr, items),
                np.minimum(drawn, len(counts) - 1).astype(np.int32),
                (rows.indptr, rows.indices, rows.weights),
                parameters,
                squares,
                rates,
                config.alpha,
            )
            if not all(np.isfinite(array).all() for array in parameters):
                raise DataError(
                    f"fm diverged in pass {epoch + 1}: a parameter is no longer finite",
                    hint="lower eta",
                )
            if progress is not None:
                progress(epoch + 1, config.epochs, "factorisation machine")
        self._keep(rows, parameters)

    def _keep(self, rows: Encoded, parameters: Parameters) -> None:
        """Sum up b and q of every item; attributes are not needed again."""
        bias, w, v, y = parameters
        own = np.column_stack((v, w))
        items = np.zeros((len(rows), own.shape[1]))
        np.add.at(items, rows.rows(), own[rows.indices] * rows.weights[:, None])
        items[:, -1] += bias[0]
        self._set_items(items.astype(np.float32))
        self._touched = y

    def _fold_in(self, histories: Histories) -> Float32Array:
        weights = self._entry_weights(histories).astype(np.float32)
        shape = (histories.n_users, histories.n_items)
        matrix = csr_array((weights, histories.items, histories.indptr), shape=shape)
        ones = np.ones((histories.n_users, 1), np.float32)
        return np.hstack((np.asarray(matrix @ self._touched, np.float32), ones))

    def _entry_weights(self, histories: Histories) -> Float64Array:
        """(len(histories),) n^-alpha on the first entry of each liked item, else 0."""
        first = positive_pairs(histories, binary=True)
        users = histories.users()
        counts = np.bincount(users, first, minlength=histories.n_users)
        weights: Float64Array = first * np.maximum(counts, 1.0)[users] ** -self.config.alpha
        return weights

    @property
    def _vectors(self) -> Float32Array:
        return self._items[:, :-1]

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        added: Float64Array = self._entry_weights(history) * (
            self._touched[history.items] @ self._items[item, :-1]
        )
        return added

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "touched": self._touched}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        super()._restore(state)
        self._touched = state["touched"]
        for part in (self._vectors, self._touched):
            check_width(self.name, part, found=part.shape[-1], wanted=self.config.k)


def _item_rows(dataset: Dataset, config: FMRecommenderConfig) -> Encoded:
    """The id and the attributes of every item, n_items rows."""
    declared = dict(dataset.schema.items)
    if config.attributes is not None:
        missing = [name for name in config.attributes if name not in declared]
        if missing:
            raise DataError(
                f"fm: the items have no attribute {missing[0]!r}",
                hint=f"declared are {', '.join(declared) or 'none'}",
            )
        declared = {name: declared[name] for name in config.attributes}
    specs = specs_of(declared, side="item", bins=config.bins)
    items = dataset.items_by_row.select(pl.col(ID), *(pl.col(spec.name) for spec in specs))
    identity = ColumnSpec(name=ID, kind=AttributeKind.CATEGORY, side="item")
    return Columns.fit(items, (identity, *specs)).encode(items)


def _start(
    rows: Encoded,
    counts: np.ndarray,
    config: FMRecommenderConfig,
    rng: np.random.Generator,
) -> Parameters:
    """Small random factors for what somebody touched; 0 for the rest."""
    n, k = rows.n_features, config.k
    v = rng.normal(0.0, config.sigma, (n, k)).astype(np.float32)
    y = rng.normal(0.0, config.sigma, (len(rows), k)).astype(np.float32)
    y[counts == 0] = 0
    touched = counts[rows.rows()] > 0
    v[np.bincount(rows.indices[touched], minlength=n) == 0] = 0
    return np.zeros(1), np.zeros(n, np.float32), v, y
