"""Models that learn on from what they learned before, such as those of a release."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any, Self, TypeVar

from palate.data.dataset import Dataset
from palate.errors import UnsupportedError
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.types import Progress

__all__ = ["Continuing", "continuing"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class Continuing(Recommender[ConfigT]):
    """A recommender with the capability `continue_fit`, which a subclass names and writes.

    Between two trainings it follows the catalogue by `with_items`.
    """

    @abstractmethod
    def continue_fit(
        self,
        dataset: Dataset,
        *,
        since: datetime,
        config: ConfigT | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn on, from what was learned, of what happened after `since`.

        Where `partial_fit` adds interactions among the same items, this takes the whole of what
        is known now, and may go back to some of what is old, so as not to forget it. The model
        knows the dataset's items from then on. One that raised is as it was before.

        Args:
            dataset: Everything, old and new, items that are new included.
            since: An event with a later time is new. With a time zone.
            config: Hyperparameters from now on; the present ones by default. What shapes the
                model cannot change.
            progress: Called while learning.

        Raises:
            NotFittedError: There is nothing to continue from.
            DataError: Nothing that can be learned from is new, or the data no longer have what
                the model reads.
            ConfigError: The config would make another model.
        """

    @abstractmethod
    def with_items(self, dataset: Dataset) -> Self:
        """Know the items of `dataset` from now on, and take its histories; nothing is learned.

        Args:
            dataset: Items with the attributes that the model was trained on.
        """


def continuing(model: Recommender[Any]) -> Continuing[Any]:
    """The same model, if it can learn on.

    Raises:
        UnsupportedError: It must be fitted again on everything.
    """
    if not isinstance(model, Continuing):
        raise UnsupportedError(
            f"{model.name} cannot continue from what it learned",
            hint=f"train it anew on everything: palate train {model.name}",
        )
    return model
