"""Histories to scores of all items, by nets: nearest in the space, the head ordered by RankNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.models.newest import newest_liked
from palate.models.realtime.examples import Profiles
from palate.models.realtime.nets import Nets
from palate.models.runtime.dense import Dense
from palate.types import Float32Array

__all__ = ["Scorer", "fused"]

_LEAST: Final = 1e-6  # of a probability whose logarithm is taken
HEAD: Final = 100.0  # added to the scores of the head, so that it stays before the rest


class Scorer:
    """Scores by a catalogue's vectors.

    Args:
        nets: Of the space.
        profiles: What profiles are made of, under the nets' layout.
        vectors: (n_items, dimension) of the catalogue.
        tau: The softmax's temperature: cosines over it are log odds.
    """

    def __init__(
        self, nets: Nets, profiles: Profiles, vectors: Float32Array, *, tau: float
    ) -> None:
        self.nets, self.profiles, self.tau = nets, profiles, tau
        self._table = np.concatenate((vectors, np.zeros((1, nets.dimension), np.float32)))
        self._products = Dense.of(vectors)

    def users(self, histories: Histories) -> Float32Array:
        """(n, dimension) float32 of people as they are after their last event."""
        nets = self.nets
        recent = newest_liked(histories, max(1, nets.recent))[0][:, : nets.recent]
        contexts = np.zeros((histories.n_users, len(nets.features)), np.float32)
        return nets.embed_users(self.profiles.after(histories), self._table[recent], contexts)

    def scores(self, histories: Histories, *, rank_weight: float, candidates: int) -> Float32Array:
        """(n, n_items) float32.

        Args:
            histories: Over the catalogue.
            rank_weight: Of the logarithm of RankNet's worth beside the log odds; 0 leaves it out.
            candidates: How many of each row are ranked.
        """
        users = self.users(histories)
        found = self._products(users)
        if rank_weight > 0:
            for user, row in zip(users, found, strict=True):
                head = _head(row, candidates)
                row[head] = self.head(user, row[head], head, rank_weight)
        return found

    def head(
        self, user: Float32Array, cosines: Float32Array, items: np.ndarray, rank_weight: float
    ) -> Float32Array:
        """(k,) float32 scores of the head: above all cosines."""
        worth = fused(self.nets.rank(user, self._table[items]), self.nets.worth)
        odds = cosines / self.tau + rank_weight * np.log(np.maximum(worth, _LEAST))
        return np.asarray(HEAD + odds * self.tau, np.float32)


def fused(probabilities: Float32Array, worth: Sequence[float]) -> Float32Array:
    """(n,) float32 weighted mean of the outcomes' probabilities, (n, o)."""
    weights = np.asarray(worth, np.float32)
    return np.asarray(probabilities @ weights / weights.sum(), np.float32)


def _head(scores: Float32Array, k: int) -> np.ndarray:
    """Rows of the `k` highest scores, ascending; ties go to the lowest row."""
    if k >= len(scores):
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    return np.sort(np.concatenate((above, equal[: k - len(above)])))
