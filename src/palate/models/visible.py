"""The visible side of a restricted Boltzmann machine: softmax units for ratings, or binary ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.kernels.rbm import hidden_chances, softmax_contrast, softmax_gradient
from palate.models.pairs import positive_pairs
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array, Int32Array

__all__ = ["BinaryUnits", "Layer", "SoftmaxUnits", "Units"]

MANY_LEVELS = 20  # distinct ratings above which they are no scale
SMOOTHING = 5.0  # ratings of the average item that each item's own are mixed with
USERS_AT_ONCE = 16  # of a batch, by one thread


@dataclass(frozen=True, slots=True)
class Layer:
    """What is learned, or a step of it.

    Attributes:
        weights: (n_items, n_levels, F) float32; n_levels is 1 for binary units.
        visible: (n_items, n_levels) float32 bias of what users did.
        hidden: (F,) float32 bias of hidden units.
    """

    weights: Float32Array
    visible: Float32Array
    hidden: Float32Array

    @property
    def parts(self) -> tuple[Float32Array, Float32Array, Float32Array]:
        """The three arrays, to change them alike."""
        return self.weights, self.visible, self.hidden

    @classmethod
    def zeros(cls, like: Layer) -> Layer:
        """As large, empty."""
        return cls(*(np.zeros_like(part) for part in like.parts))


class Units(ABC):
    """How histories are shown to the machine, and how it answers.

    `n_levels` is what each item can show.
    """

    n_levels: int

    @abstractmethod
    def start(self, histories: Histories) -> Float32Array:
        """(n_items, n_levels) float32 visible bias before any learning."""

    @abstractmethod
    def hidden(self, histories: Histories, layer: Layer) -> Float32Array:
        """(n, F) float32, p(h_f = 1 | history)."""

    @abstractmethod
    def answer(self, hidden: Float32Array, layer: Layer) -> Float32Array:
        """(n, n_items) float32 scores."""

    @abstractmethod
    def contrast(self, histories: Histories, layer: Layer, drawn: Float32Array) -> Layer:
        """The step of contrastive divergence, summed over users; drawn: (T, n, F) uniform."""


class SoftmaxUnits(Units):
    """One unit for each rating an item can have; unrated items are not there at all.

    Args:
        levels: (n_levels,) the ratings, ascending.
        omega: How much more the weights move along the scale than across it.
    """

    def __init__(self, levels: Float32Array, omega: float) -> None:
        self.levels = levels
        self.n_levels = len(levels)
        self._omega = np.float32(omega)
        wide = levels.astype(np.float64)  # squares of what float32 holds
        centred = wide - wide.mean()
        length = max(float(np.linalg.norm(centred)), 1e-9)
        self._scale = (centred / length).astype(np.float32)  # (n_levels,), length 1

    @classmethod
    def of(cls, histories: Histories, omega: float) -> SoftmaxUnits:
        """For the ratings that stand in `histories`."""
        levels = np.unique(histories.values)
        if len(levels) > MANY_LEVELS:
            raise DataError(
                f"rbm with softmax units found {len(levels)} distinct values; ratings have "
                f"at most {MANY_LEVELS}",
                hint='round them, or set visible = "binary"',
            )
        return cls(levels.astype(np.float32), omega)

    def rows(self, values: Float32Array) -> Int32Array:
        """(n,) int32, the nearest level of each value; the lower of two."""
        if not np.isfinite(values).all():
            raise DataError("a rating is NaN or infinite")
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        return np.searchsorted(middles, values).astype(np.int32)

    def start(self, histories: Histories) -> Float32Array:
        """Log shares of each item's ratings, mixed with the average item's."""
        cells = histories.items.astype(np.int64) * self.n_levels + self.rows(histories.values)
        counts = np.bincount(cells, minlength=histories.n_items * self.n_levels)
        counts = counts.reshape(histories.n_items, self.n_levels).astype(np.float64)
        average = (counts.sum(0) + 1.0) / (counts.sum() + self.n_levels)
        return np.asarray(np.log(counts + SMOOTHING * average), np.float32)

    def hidden(self, histories: Histories, layer: Layer) -> Float32Array:
        """By what was rated, and how."""
        out = np.empty((histories.n_users, len(layer.hidden)), np.float32)
        levels = self.rows(histories.values)
        hidden_chances(histories.indptr, histories.items, levels, layer.weights, layer.hidden, out)
        return out

    def answer(self, hidden: Float32Array, layer: Layer) -> Float32Array:
        """Expected ratings."""
        n_items = len(layer.visible)
        flat = layer.weights.reshape(-1, layer.weights.shape[2])
        pull = (hidden @ flat.T).reshape(len(hidden), n_items, self.n_levels) + layer.visible
        expected: Float32Array = softmax(pull, axis=2) @ self.levels
        return expected

    def contrast(self, histories: Histories, layer: Layer, drawn: Float32Array) -> Layer:
        """Only the items that a user rated take part."""
        indptr, items = histories.indptr, histories.items
        first = self.hidden(histories, layer)
        last = np.empty_like(first)
        chances = np.empty((len(histories), self.n_levels), np.float32)

        def part(start: int, stop: int) -> None:
            out = (first, chances, last)
            softmax_contrast(start, stop, (indptr, items), layer.parts, drawn, out)

        in_parts(part, histories.n_users, USERS_AT_ONCE, threads=thread_count())
        step = Layer.zeros(layer)
        step.hidden[:] = (first - last).sum(0)
        levels = self.rows(histories.values)
        out = (step.weights, step.visible)
        softmax_gradient(indptr, items, levels, chances, (first, last), out)
        self._along_the_scale(step.weights)
        return step

    def _along_the_scale(self, step: Float32Array) -> None:
        """Add omega times the part of `step` that rises evenly with the rating, in place."""
        along = np.tensordot(step, self._scale, axes=(1, 0))  # (n_items, F)
        for level, place in enumerate(self._scale):
            step[:, level] += self._omega * place * along


class BinaryUnits(Units):
    """One unit an item: touched (1) or not (0), for every item of the catalogue."""

    n_levels = 1

    def start(self, histories: Histories) -> Float32Array:
        """The log odds that a user touched the item."""
        touched = self.shown(histories).sum(0) + 0.5
        share = touched / (histories.n_users + 1.0)
        return np.asarray(np.log(share / (1.0 - share)), np.float32)[:, None]

    def shown(self, histories: Histories) -> Float32Array:
        """(n, n_items) float32, 1 where a user's events on an item add up to more than 0."""
        out = np.zeros((histories.n_users, histories.n_items), np.float32)
        liked = positive_pairs(histories, binary=True) > 0
        out[histories.users()[liked], histories.items[liked]] = 1.0
        return out

    def hidden(self, histories: Histories, layer: Layer) -> Float32Array:
        """By what was touched, and what was not."""
        return self._up(self.shown(histories), layer)

    def answer(self, hidden: Float32Array, layer: Layer) -> Float32Array:
        """The log odds that the user touches the item: chances near 1 would tie."""
        scores: Float32Array = hidden @ layer.weights[:, 0].T + layer.visible[:, 0]
        return scores

    def contrast(self, histories: Histories, layer: Layer, drawn: Float32Array) -> Layer:
        """All items take part."""
        shown = self.shown(histories)
        first = last = self._up(shown, layer)
        dreamt = shown
        for uniform in drawn:
            state = (uniform < last).astype(np.float32)
            dreamt = expit(self.answer(state, layer))
            last = self._up(dreamt, layer)
        return Layer(
            (shown.T @ first - dreamt.T @ last)[:, None],
            (shown - dreamt).sum(0)[:, None],
            (first - last).sum(0),
        )

    def _up(self, shown: Float32Array, layer: Layer) -> Float32Array:
        chances: Float32Array = expit(shown @ layer.weights[:, 0] + layer.hidden)
        return chances
