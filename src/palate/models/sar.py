r"""SAR, the simple algorithm for recommendations: co-occurrence, and affinity that fades.

    C_ij = users who touched both i and j          S = similarity of C      (item to item)
    a_ui = sum over u's events on i of  weight * value * 2^(-(t0 - t) / T)  (affinity)
    score(u, j) = sum over i of a_ui * S_ij

Similarities, with c_i = C_ii users of i and N users in all:

    cooccurrence                        C_ij
    jaccard                             C_ij / (c_i + c_j - C_ij)
    lift                                C_ij / (c_i * c_j)
    inclusion_index                     C_ij / min(c_i, c_j)
    cosine                              C_ij / sqrt(c_i * c_j)
    mutual_information                  log2(N * C_ij / (c_i * c_j))
    lexicographers_mutual_information   C_ij * log2(N * C_ij / (c_i * c_j))

Pairs that fewer than `threshold` users touched count as never seen together: S_ij = 0.

Source: the SAR algorithm of the Microsoft Product Recommendations solution, as defined by
the `recommenders` library (SARSingleNode), which this follows; jaccard with a half-life of
30 days is its usual choice. It differs in one formula: N there is the number of items,
here the number of users, as the definition of (pointwise) mutual information has it
(Church and Hanks 1990), so that independent items have a similarity of 0. Lexicographer's
mutual information: Kilgarriff et al. 2004.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import AwareDatetime, Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.item_to_item import ItemToItem
from palate.models.pairs import Pairs
from palate.models.similarity import (
    DENSE_ITEMS,
    DenseSimilarity,
    Formula,
    compare_all,
    compare_nearest,
)
from palate.types import Float64Array, FloatArray, Int64Array, Progress

__all__ = ["SAR", "SARConfig", "Similarity"]

Similarity = Literal[
    "cooccurrence",
    "jaccard",
    "lift",
    "inclusion_index",
    "cosine",
    "mutual_information",
    "lexicographers_mutual_information",
]
DAY_US: Final = 86_400_000_000
MANY_ITEMS_NEIGHBOURS: Final = 200


class SARConfig(ModelConfig):
    """SAR's hyperparameters."""

    similarity: Similarity = Field(default="jaccard", description="S, how items compare.")
    half_life_days: float | None = Field(
        default=30.0,
        gt=0,
        description="T, days after which an event counts half; None: all count alike. "
        "Events without a time count in full.",
    )
    t0: AwareDatetime | None = Field(
        default=None,
        description="When affinity is looked at; the newest training event by default. Later "
        "events count in full.",
    )
    threshold: int = Field(
        default=1, ge=1, description="Users that a pair of items needs to count at all."
    )
    normalise: bool = Field(
        default=False,
        description="Scores on the scale of the training values (ratings); the order of a "
        "user's items stays.",
    )
    neighbours: int | None = Field(
        default=None,
        ge=1,
        description="Most similar items kept for each; by default all in a catalogue of up to "
        f"{DENSE_ITEMS} items, {MANY_ITEMS_NEIGHBOURS} in a larger one.",
    )

    space: ClassVar[dict[str, Dimension]] = {
        "similarity": Choice(("jaccard", "cosine", "lift", "inclusion_index", "cooccurrence")),
        "half_life_days": Choice((None, 7.0, 30.0, 90.0, 365.0)),
        "threshold": Range(1, 10, log=True, integer=True),
    }


class SAR(ItemToItem[SARConfig]):
    """Items like those that the user touched, the newer the better."""

    name = "sar"
    Config = SARConfig

    _t0_us: int
    _scale: tuple[float, float]  # lowest and highest value of a training event

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        histories = dataset.histories
        pairs = Pairs.counted(histories)
        formula = _formula(self.config, pairs)
        neighbours = self.config.neighbours
        if neighbours is None and pairs.n_items > DENSE_ITEMS:
            neighbours = MANY_ITEMS_NEIGHBOURS
        if neighbours is None:
            self._similarity = DenseSimilarity(
                compare_all(pairs, formula, progress), symmetric=True
            )
        else:
            self._similarity = compare_nearest(pairs, formula, neighbours, progress)
        t0 = self.config.t0
        self._t0_us = (
            int(histories.timestamps.max()) if t0 is None else round(t0.timestamp() * 1_000_000)
        )
        self._scale = _scale(histories)

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float64 affinity times similarity; on the values' scale if `normalise`."""
        scores = super().score_histories(histories)
        if self.config.normalise:
            reach = self._similarity.scores(histories, self._decay(histories))
            _rescale(scores, reach, self._scale)
        return scores

    def _dense(self) -> DenseSimilarity | None:
        return None if self.config.normalise else super()._dense()

    def _entry_weights(self, histories: Histories) -> Float64Array:
        if self.config.half_life_days is None:
            return histories.values.astype(np.float64)
        return histories.values * self._decay(histories)

    def _decay(self, histories: Histories) -> Float64Array:
        """(len(histories),) 2^(-(t0 - t) / T), 1 after t0 and where the time is unknown."""
        half_life = self.config.half_life_days
        times = histories.timestamps
        if half_life is None:
            return np.ones(len(times))
        age = np.maximum(self._t0_us - times, 0)
        age[times < 0] = 0
        return np.exp2(age / (-half_life * DAY_US))

    def _state(self) -> dict[str, np.ndarray]:
        return {
            **super()._state(),
            "t0_us": np.array([self._t0_us], np.int64),
            "scale": np.array(self._scale),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        super()._restore(state)
        self._t0_us = int(state["t0_us"][0])
        low, high = state["scale"]
        self._scale = (float(low), float(high))


def _formula(config: SARConfig, pairs: Pairs) -> Formula:
    """The similarity of `config` as a function of C_ij, i and j."""
    users = np.maximum(pairs.item_counts(), 1.0)  # 1 keeps an item without users from 0 / 0
    n_users = float(np.count_nonzero(np.diff(pairs.by_user[0])))

    def similarity(together: Float64Array, i: Int64Array, j: Int64Array) -> Float64Array:
        if config.threshold > 1:
            together = np.where(together >= config.threshold, together, 0.0)
        return _similarity(config.similarity, together, (users[i], users[j]), n_users)

    return similarity


def _similarity(
    kind: Similarity, together: Float64Array, users: tuple[Float64Array, Float64Array], n: float
) -> Float64Array:
    c_i, c_j = users
    match kind:
        case "cooccurrence":
            return together
        case "jaccard":
            return together / (c_i + c_j - together)
        case "lift":
            return together / (c_i * c_j)
        case "inclusion_index":
            return together / np.minimum(c_i, c_j)
        case "cosine":
            return together / np.sqrt(c_i * c_j)
        case "mutual_information":
            return _information(n * together / (c_i * c_j))
        case "lexicographers_mutual_information":
            return together * _information(n * together / (c_i * c_j))


def _information(ratio: Float64Array) -> Float64Array:
    """log2, and 0 of 0: items never seen together say nothing of each other."""
    return np.log2(ratio, out=np.zeros_like(ratio), where=ratio > 0)


def _scale(histories: Histories) -> tuple[float, float]:
    """Lowest and highest value; from or to 0 where they are one, as in data without ratings."""
    low, high = float(histories.values.min()), float(histories.values.max())
    return (min(low, 0.0), max(high, 0.0)) if low == high else (low, high)


def _rescale(scores: FloatArray, reach: FloatArray, scale: tuple[float, float]) -> None:
    """Map each user's scores in place onto `scale`.

    With every value at the scale's ends, u's scores would be between low * min(reach) and
    high * max(reach), where reach (n, n_items) is what events of value 1 give; that
    interval becomes the scale. A user for whom it is empty gets the low end.
    """
    low, high = scale
    bottom = low * reach.min(axis=1, keepdims=True)
    width = high * reach.max(axis=1, keepdims=True) - bottom
    width[width == 0] = np.inf
    scores -= bottom
    scores /= width
    scores *= high - low
    scores += low
