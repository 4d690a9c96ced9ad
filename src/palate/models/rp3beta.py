r"""RP3beta: a walk of three steps from the user, against the pull of the popular.

    P_ui = (x_ui / x_u.)^alpha,   P_iu = (x_ui / x_.i)^alpha    x_u., x_.i: sums of u and i
    S_ij = sum over users v of P_iv * P_vj / c_j^beta,          K best j for each i
    score(u, j) = sum over the items i of u of P_ui * S_ij

with c_j the users of j. alpha = 1, beta = 0 is the plain probability of the walk
user, item, user, item (P3); beta takes from popular items what their many users give them.

A new user is scored from their events; a new item needs a refit.

Source: Paudel, Christoffel, Newell and Bernstein 2017, "Updatable, accurate, diverse, and
scalable recommendations for interactive applications", ACM TiiS 7, section 4 (RP3beta);
alpha: Cooper et al. 2014, "Random walks in recommender systems" (P3alpha).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Dimension, ModelConfig, Range
from palate.models.item_to_item import ItemToItem
from palate.models.pairs import Pairs, positive_pairs
from palate.models.similarity import compare_nearest
from palate.types import Float64Array, Int64Array, Progress

__all__ = ["RP3beta", "RP3betaConfig"]


class RP3betaConfig(ModelConfig):
    """RP3beta's hyperparameters. The defaults are good on MovieLens."""

    alpha: float = Field(
        default=1.0, gt=0, description="alpha, the exponent of each step's probability."
    )
    beta: float = Field(
        default=0.6, ge=0, description="beta, how much an item's popularity counts against it."
    )
    K: int = Field(default=200, ge=1, description="Neighbours kept for each item.")
    binary: bool = Field(
        default=True, description="x_ui = 1 for every pair with a positive sum; else that sum."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "alpha": Range(0.3, 2.0),
        "beta": Range(0.0, 1.2),
        "K": Range(50, 1000, log=True, integer=True),
    }


class RP3beta(ItemToItem[RP3betaConfig]):
    """Where a random walk over users and items ends, the popular places counted down."""

    name = "rp3beta"
    Config = RP3betaConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        pairs = Pairs.positive(dataset.histories, binary=self.config.binary)
        penalty = np.maximum(pairs.item_counts(), 1).astype(np.float64) ** -self.config.beta

        def similarity(walked: Float64Array, i: Int64Array, j: Int64Array) -> Float64Array:
            return np.where(i == j, np.nan, walked * penalty[j])  # i itself is no neighbour

        steps = _steps(pairs, self.config.alpha)
        self._similarity = compare_nearest(steps, similarity, self.config.K, progress)

    def _entry_weights(self, histories: Histories) -> Float64Array:
        x = positive_pairs(histories, binary=self.config.binary)
        return _shares(histories.indptr, x) ** self.config.alpha


def _steps(pairs: Pairs, alpha: float) -> Pairs:
    """P_vj by user and P_iv by item: the two sides are different matrices."""
    users, items, x = pairs.by_user
    starts, item_users, y = pairs.by_item
    return Pairs(
        (users, items, _shares(users, x) ** alpha),
        (starts, item_users, _shares(starts, y) ** alpha),
    )


def _shares(indptr: Int64Array, values: Float64Array) -> Float64Array:
    """(n,) float64, each value's part of its row's sum; 0 in a row of zeros."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    divisor = np.bincount(rows, values, minlength=len(indptr) - 1)[rows]
    shares: Float64Array = np.zeros(len(values))
    with np.errstate(invalid="ignore"):  # infinity by infinity is NaN, and NaN never wins
        np.divide(values, divisor, out=shares, where=divisor > 0)
    return shares
