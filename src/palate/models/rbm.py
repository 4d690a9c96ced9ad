r"""RBM: hidden tastes, each on or off, that make what a user did likely.

    p(h_f = 1 | V) = sigma(c_f + sum over rated i, levels r of  v_i^r * W_if^r)
    p(v_i^r = 1 | h) = exp(b_i^r + h W_i^r) / sum over levels l of exp(b_i^l + h W_i^l)
    softmax units:  score(u, j) = sum over r of  level_r * p(v_j^r = 1 | h),  a rating
    binary units:   v_i = 1 where touched, 0 elsewhere; score(u, j) = b_j + h W_j, log odds

with h_f = p(h_f = 1 | V) when answering. Learning is contrastive divergence with T steps,
with momentum, in mini-batches of users:

    G_if^r = <v_i^r h_f> of the data - <v_i^r h_f> after T steps
    step of W_i = epsilon * (G_i + omega * s s'G_i)            s: the levels, centred, length 1

omega is ours: a 5 and a 4 are alike, which softmax units do not know. It is the same as plain
steps on W_if^r = V_if^r + sqrt(omega) s^r A_if, with a share A that rises evenly with the
rating; on MovieLens 1M it takes 0.01 from the RMSE. omega = 0 is the paper.

**It sees training rows alone, and answers from the history it is given.** What is to be
predicted is never shown to the hidden units. (An implementation in use shows them the test
ratings and masks the training items only, which flatters its ranking threefold.)

A new user is scored from their ratings; a new item needs a refit.

Source: Salakhutdinov, Mnih and Hinton 2007, "Restricted Boltzmann machines for collaborative
filtering", ICML, sections 2.1 to 2.3 (equations 1, 2, 6 and 7); practice: Hinton 2010, "A
practical guide to training restricted Boltzmann machines".
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import BundleError, DataError
from palate.models.base import Recommender
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.visible import BinaryUnits, Layer, SoftmaxUnits, Units
from palate.types import FloatArray, Progress

__all__ = ["RBM", "RBMConfig"]


class RBMConfig(ModelConfig):
    """RBM's hyperparameters. The defaults are good on MovieLens."""

    visible: Literal["softmax", "binary"] = Field(
        default="softmax",
        description="`softmax`: learns ratings and predicts them; `binary`: learns what was "
        "touched and ranks.",
    )
    F: int = Field(default=100, ge=1, description="F, hidden units.")
    epochs: int = Field(default=40, ge=1, description="Passes over all users.")
    batch: int = Field(default=100, ge=1, description="Users of one step.")
    epsilon: float = Field(
        default=0.015, gt=0, description="epsilon, the first epoch's step; it falls to a tenth."
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="What is left of a step.")
    decay: float = Field(default=0.03, ge=0, description="lambda, the pull of weights to zero.")
    omega: float = Field(
        default=10.0,
        ge=0,
        description="omega, how much more softmax weights move along the scale of ratings; 0: as "
        "in the paper.",
    )
    T: int = Field(default=1, ge=1, description="T, steps of contrastive divergence.")
    seed: int = Field(default=42, ge=0, description="Of first weights, order and hidden states.")

    space: ClassVar[dict[str, Dimension]] = {
        "visible": Choice(("softmax", "binary")),
        "F": Range(20, 200, log=True, integer=True),
        "epochs": Range(20, 80, log=True, integer=True),
        "epsilon": Range(0.005, 0.3, log=True),
        "decay": Range(1e-3, 1e-1, log=True),
    }


class RBM(Recommender[RBMConfig]):
    """Ratings, or touched items, by the hidden tastes that a history speaks for."""

    name = "rbm"
    Config = RBMConfig

    _units: Units
    _layer: Layer

    def __init__(self, config: RBMConfig | None = None) -> None:
        super().__init__(config)
        if self.config.visible == "softmax":
            self.capabilities = frozenset({"ratings"})

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        histories = _newest_of_pairs(dataset.histories)
        softmax_units = self.config.visible == "softmax"
        self._units = (
            SoftmaxUnits.of(histories, self.config.omega) if softmax_units else BinaryUnits()
        )
        self._layer = self._learn(histories, progress)

    def _learn(self, histories: Histories, progress: Progress | None) -> Layer:
        c, units = self.config, self._units
        rng = np.random.default_rng(c.seed)
        shape = (histories.n_items, units.n_levels, c.F)
        weights = rng.normal(0.0, 0.01, shape).astype(np.float32)
        layer = Layer(weights, units.start(histories), np.zeros(c.F, np.float32))
        moving = Layer.zeros(layer)
        active = np.flatnonzero(np.diff(histories.indptr))
        for epoch in range(c.epochs):
            epsilon = c.epsilon * 0.1 ** (epoch / c.epochs)
            order = rng.permutation(active)
            for start in range(0, len(order), c.batch):
                part = histories.select(order[start : start + c.batch])
                drawn = rng.random((c.T, part.n_users, c.F), np.float32)
                step = units.contrast(part, layer, drawn)
                _move(layer, moving, step, users=part.n_users, epsilon=epsilon, config=c)
            if progress is not None:
                progress(epoch + 1, c.epochs, "learning")
        if not all(np.isfinite(part).all() for part in layer.parts):
            raise DataError(
                "rbm did not settle: weights grew without bound",
                hint=f"lower epsilon, now {c.epsilon:g}",
            )
        return layer

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float32 expected ratings, or log odds of binary units."""
        known = _newest_of_pairs(histories)
        return self._units.answer(self._units.hidden(known, self._layer), self._layer)

    def _state(self) -> dict[str, np.ndarray]:
        layer = self._layer
        state = {"weights": layer.weights, "visible": layer.visible, "hidden": layer.hidden}
        if isinstance(self._units, SoftmaxUnits):
            state["levels"] = self._units.levels
        return state

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._layer = Layer(state["weights"], state["visible"], state["hidden"])
        softmax_units = self.config.visible == "softmax"
        n_levels = len(state["levels"]) if softmax_units else BinaryUnits.n_levels
        shape = (len(self.vocabulary), n_levels, self.config.F)
        if self._layer.weights.shape != shape:
            raise BundleError(
                f"rbm: weights of shape {shape} were expected, the file has "
                f"{self._layer.weights.shape}",
                hint="fit and save it again",
            )
        self._units = (
            SoftmaxUnits(state["levels"], self.config.omega) if softmax_units else BinaryUnits()
        )


def _move(
    layer: Layer, moving: Layer, step: Layer, *, users: int, epsilon: float, config: RBMConfig
) -> None:
    """One step with momentum; weights alone decay, biases do not."""
    for at, (value, speed, change) in enumerate(
        zip(layer.parts, moving.parts, step.parts, strict=True)
    ):
        change *= np.float32(epsilon / users)
        if at == 0:
            change -= np.float32(epsilon * config.decay) * value
        speed *= np.float32(config.momentum)
        speed += change
        value += speed


def _newest_of_pairs(histories: Histories) -> Histories:
    """Without repeats: of a user's events on one item the newest."""
    pair = histories.users().astype(np.int64) * histories.n_items + histories.items
    kept, from_the_end = np.unique(pair[::-1], return_index=True)
    if len(kept) == len(pair):
        return histories
    entries = np.sort(len(pair) - 1 - from_the_end)
    users = histories.users()[entries]
    counts = np.bincount(users, minlength=histories.n_users)
    return histories.entries(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), entries)
