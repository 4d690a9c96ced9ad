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

_LEAST: Final = 1e-12  # of a probability whose logarithm is taken
HEAD: Final = 30.0  # added to the logarithms of the head, so that it stays before the rest


class Scorer:
    """Scores by a catalogue's vectors.

    Args:
        nets: Of the space.
        profiles: What profiles are made of, under the nets' layout.
        vectors: (n_items, dimension) of the catalogue.
    """

    def __init__(self, nets: Nets, profiles: Profiles, vectors: Float32Array) -> None:
        self.nets, self.profiles = nets, profiles
        self._table = np.concatenate((vectors, np.zeros((1, nets.dimension), np.float32)))
        self._products = Dense.of(vectors)

    def users(self, histories: Histories) -> Float32Array:
        """(n, dimension) float32 of people as they are after their last event."""
        nets = self.nets
        recent = newest_liked(histories, max(1, nets.recent))[0][:, : nets.recent]
        contexts = np.zeros((histories.n_users, len(nets.features)), np.float32)
        return nets.embed_users(self.profiles.after(histories), self._table[recent], contexts)

    def scores(self, histories: Histories, *, ranked: int) -> Float32Array:
        """(n, n_items) float32.

        Args:
            histories: Over the catalogue.
            ranked: How many of each row, the nearest, are ordered by RankNet; 0 for none.
        """
        users = self.users(histories)
        found = self._products(users)
        if ranked > 0:
            for user, row in zip(users, found, strict=True):
                head = _head(row, ranked)
                row[head] = self.head(user, head)
        return found

    def head(self, user: Float32Array, items: np.ndarray) -> Float32Array:
        """(k,) float32 scores of the items that RankNet orders: above all cosines."""
        worth = fused(self.nets.rank(user, self._table[items]), self.nets.worth)
        return np.asarray(HEAD + np.log(np.maximum(worth, _LEAST)), np.float32)


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
