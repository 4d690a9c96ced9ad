"""What deep recommenders share: a part held out to stop by, the loop, arrays that score alone.

A subclass describes in `_course` what is learned and how, with torch; the loop trains it, and
after every epoch the net's arrays are taken over by `_keep` and judged on the part held out,
by the same numpy code that answers later. With `refit` all entries are then learned from again,
for as many epochs as were best. torch is imported while fitting and at no other time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import Field

from palate._optional import require
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.answers import one_each
from palate.models.base import Recommender
from palate.models.held_out import HeldOut, entries_of
from palate.models.pairs import positive_pairs
from palate.train.settings import TrainConfig
from palate.types import BoolArray, Float32Array, FloatArray, Int32Array, Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

    from palate.train.batches import Batch, Batches
    from palate.train.state import Trained

__all__ = ["Arrays", "Course", "Deep", "DeepConfig", "alike", "liked_once"]

Arrays = dict[str, np.ndarray]
KNOWN = "known"


class DeepConfig(TrainConfig):
    """What every deep recommender's config has beside the loop's settings."""

    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the entries of fit that decides when to stop, by NDCG@10; 0, or "
        "patience = 0, trains all epochs.",
    )
    refit: bool = Field(
        default=True, description="Then learn from all entries again, for the epochs found best."
    )


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be learned, for the loop.

    Attributes:
        net: With its starting weights.
        loss: Mean loss of a batch.
        batches: What to learn from.
        arrays: What the net has learned by now, as `Deep._keep` takes it.
        optimizer: Makes one; None for the loop's own.
    """

    net: nn.Module
    loss: Callable[[nn.Module, Batch], torch.Tensor]
    batches: Batches
    arrays: Callable[[], Arrays]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None


ConfigT = TypeVar("ConfigT", bound=DeepConfig)


class Deep(Recommender[ConfigT]):
    """A recommender that torch trains and numpy scores.

    A subclass writes `_course`, `_keep` and `_scores`. A user whose history holds nothing
    liked gets popular items; an item that nobody touched comes last, unless the model has the
    capability `cold_items`.

    Attributes:
        checkpoint: A folder; a `fit` of the same data and config that was interrupted goes on
            from where it was, to the same result. Whoever sets it removes it.
    """

    checkpoint: Path | None = None

    _arrays: Arrays
    _known: BoolArray  # (n_items,) items that somebody touched in training

    # ------------------------------------------------------------------ to be written

    @abstractmethod
    def _course(self, histories: Histories, dataset: Dataset) -> Course:
        """What is to be learned from the `histories` that `_usable` made of the dataset's."""

    @abstractmethod
    def _keep(self, arrays: Arrays) -> None:
        """Make ready to score with what was learned.

        Raises:
            KeyError: An array is missing.
            ValueError: Their shapes do not fit each other.
        """

    @abstractmethod
    def _scores(self, histories: Histories) -> FloatArray:
        """(n, n_items) new, for n histories that `_usable` made; empty ones may be among them."""

    def _usable(self, histories: Histories) -> Histories:
        """The entries that speak for a user, in training and when asked."""
        return liked_once(histories)

    def _held_out(self, histories: Histories) -> HeldOut:
        """The part to stop by, cut from usable histories."""
        config = self.config
        return HeldOut.random(histories, share=config.validation, seed=config.seed)

    # ------------------------------------------------------------------ fit

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        require("torch", extra="train")
        histories = self._usable(dataset.histories)
        if not len(histories):
            raise DataError(
                f"{self.name} has nothing to learn from: no value is above 0",
                hint="give ratings or event weights above 0",
            )
        config, epochs = self.config, self.config.epochs
        if config.validation > 0 and config.patience > 0:
            held = self._held_out(histories)
            if len(held):  # else too few entries to hold any out
                epochs = self._trained(held.kept, dataset, config, held, progress).epoch
                if not config.refit:
                    return
        whole = config.model_copy(update={"epochs": epochs})
        self._trained(histories, dataset, whole, None, progress)

    def _trained(
        self,
        histories: Histories,
        dataset: Dataset,
        config: ConfigT,
        held: HeldOut | None,
        progress: Progress | None,
    ) -> Trained:
        """Learn from `histories`, stopped by `held`; the model then answers."""
        from palate.train.loop import train

        course = self._course(histories, dataset)
        known = np.bincount(histories.items, minlength=histories.n_items) > 0

        def take() -> None:
            self._take(known, course.arrays())

        def validate() -> float:
            take()
            assert held is not None
            return held.ndcg(self._known_scores)

        folder = None
        if self.checkpoint is not None:
            folder = self.checkpoint / ("whole" if held is None else "stopping")
        found = train(
            course.net,
            course.loss,
            course.batches,
            config,
            validate=None if held is None else validate,
            optimizer=course.optimizer,
            checkpoint=folder,
            progress=progress,
        )
        take()
        return found

    # ------------------------------------------------------------------ answers

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float32; 0 throughout where a history holds nothing liked."""
        usable = self._usable(histories)
        scores = self._known_scores(usable)
        scores[np.diff(usable.indptr) == 0] = 0
        return scores

    def _known_scores(self, usable: Histories) -> FloatArray:
        scores = self._scores(usable)
        if "cold_items" not in self.capabilities and not self._known.all():
            scores[:, ~self._known] = scores.min(axis=1, keepdims=True)
        return scores

    # ------------------------------------------------------------------ files

    def _state(self) -> Arrays:
        return {KNOWN: self._known, **self._arrays}

    def _restore(self, state: Arrays) -> None:
        arrays = {name: array for name, array in state.items() if name != KNOWN}
        self._take(state[KNOWN], arrays)
        n_items = len(self._known)
        found = self._known_scores(one_each(np.zeros(1, np.int32), n_items))
        if found.shape != (1, n_items):  # arrays that do not fit each other say so by now
            raise ValueError(f"{n_items} items have scores of shape {found.shape}")

    def _take(self, known: BoolArray, arrays: Arrays) -> None:
        self._known, self._arrays = known, arrays
        self._keep(arrays)


def liked_once(histories: Histories) -> Histories:
    """Each item whose values add up to more than 0 once, where it first stands, with value 1."""
    found = entries_of(histories, positive_pairs(histories, binary=True) > 0)
    ones = np.ones(len(found), np.float32)
    return Histories(found.indptr, found.items, ones, found.timestamps, found.n_items)


def alike(vectors: Float32Array, items: Int32Array) -> FloatArray:
    """(n, n_items) float32 cosines of each of `items` with all; NaN where one of the two is 0.

    Args:
        vectors: (n_items, f).
        items: (n,) rows of it.
    """
    norms = np.sqrt(np.einsum("if,if->i", vectors, vectors))
    norms[norms == 0] = np.nan
    products = vectors[items] @ vectors.T
    found: Float32Array = products / norms[items, None] / norms
    return found
