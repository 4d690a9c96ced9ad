r"""Popular: what most people did, all time or lately. The baseline that every model must beat.

    score(j) = sum over events (or users) of j of  w * 2^(-(t0 - t) / T)

with t0 the newest training event and T the half-life; without T nothing fades. w is 1, or
the event's weight and value. The score is the same for every user, known or not.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import DataError
from palate.models.base import Recommender
from palate.models.config import Choice, Dimension, ModelConfig
from palate.models.pairs import distinct_items
from palate.types import Float64Array, FloatArray, Progress

__all__ = ["Popular", "PopularConfig"]

DAY_US: Final = 86_400_000_000


class PopularConfig(ModelConfig):
    """Popular's hyperparameters."""

    count: Literal["users", "events", "weights"] = Field(
        default="users",
        description="`users`: a user counts once for an item, at the newest event; `events`: "
        "every event counts; `weights`: every event counts its weight times its value.",
    )
    half_life_days: float | None = Field(
        default=None,
        gt=0,
        description="T, days after which an event counts half; None: nothing fades. Events "
        "without a time count in full.",
    )

    space: ClassVar[dict[str, Dimension]] = {
        "count": Choice(("users", "events", "weights")),
        "half_life_days": Choice((None, 7.0, 30.0, 90.0, 365.0)),
    }


class Popular(Recommender[PopularConfig]):
    """The same items for everybody, those already touched left out."""

    name = "popular"
    Config = PopularConfig
    capabilities = frozenset({"partial_fit"})
    parallel = True

    _counts: Float64Array  # (n_items,) faded to t0
    _t0_us: int

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        self._t0_us = int(dataset.histories.timestamps.max())
        self._counts = self._count(dataset.histories)

    def partial_fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Add further interactions; what was counted fades to the newest of them.

        A user who touched an item before and again now counts twice for it: the model
        remembers no users.

        Raises:
            DataError: The items are not those that the model knows.
        """
        if dataset.item_vocabulary != self.vocabulary:
            raise DataError(
                "the dataset's items are not those that the model knows", hint="fit it again"
            )
        histories = dataset.histories
        if len(histories):
            before, self._t0_us = self._t0_us, max(self._t0_us, int(histories.timestamps.max()))
            self._counts = self._counts * self._fade(np.array([before])) + self._count(histories)
        users = np.bincount(distinct_items(histories), minlength=dataset.n_items)
        self._popularity = self.popularity + users.astype(np.float32)
        self._dataset = dataset
        return self

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float64, all rows the same."""
        return np.tile(self._counts, (histories.n_users, 1))

    def _count(self, histories: Histories) -> Float64Array:
        worth = self._fade(histories.timestamps)
        if self.config.count == "weights":
            worth = worth * histories.values
        elif self.config.count == "users":
            worth = worth * _newest_of_pair(histories)
        counts = np.zeros(histories.n_items)
        np.add.at(counts, histories.items, worth)
        return counts

    def _fade(self, times: np.ndarray) -> Float64Array:
        """2^(-(t0 - t) / T); 1 where the time is unknown."""
        if self.config.half_life_days is None:
            return np.ones(len(times))
        age = np.where(times < 0, 0, self._t0_us - times)
        return np.exp2(age / (-self.config.half_life_days * DAY_US))

    def _state(self) -> dict[str, np.ndarray]:
        return {"counts": self._counts, "t0_us": np.array([self._t0_us], np.int64)}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._counts = state["counts"]
        self._t0_us = int(state["t0_us"][0])


def _newest_of_pair(histories: Histories) -> np.ndarray:
    """(n,) bool, whether no later entry is of the same user and item; entries are by time."""
    pair = histories.users().astype(np.int64) * histories.n_items + histories.items
    _, from_the_end = np.unique(pair[::-1], return_index=True)
    newest = np.zeros(len(pair), np.bool_)
    newest[len(pair) - 1 - from_the_end] = True
    return newest
