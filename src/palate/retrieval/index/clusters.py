"""Clusters of rows by k-means: which one a vector belongs to, and which hold what a query seeks.

What makes a list worth a scan is that its rows score alike, so rows belong together that differ
where nobody asks. Differences of x and y count by

    (x - y)' B (x - y),      B = (I + d mean q q') / 2   over queries q of length one,

whose second half is how far the scores of x and y lie apart for these queries, as a mean square;
the first half keeps lists narrow for whoever asks otherwise. Trained users look into few
directions, other ones than those in which items differ most, and lists that are cut by distance
alone (B = I) are wide there. The moments of items themselves as B make lists wider still for users.

Sources: Lloyd 1982, "Least squares quantization in PCM", IEEE Transactions on Information
Theory 28(2); for the inverted file over it, Jegou, Douze and Schmid 2011, "Product
quantization for nearest neighbor search", IEEE TPAMI 33(1), section IV.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import numpy as np

from palate.retrieval.index.vectors import of_length_one
from palate.types import Float32Array, Int32Array

__all__ = ["Clusters", "centroids_of", "weights_of"]

_SAMPLE: Final = 64  # rows a centroid that are learned from, at most
_ROUNDS: Final = 8
_SCORES: Final = 1 << 22  # held at once: 16 MB, which a large cache holds
_COVARIED: Final = 1 << 16  # rows whose covariance is taken, or somewhat more
_SURE_AFTER: Final = 10  # rows whose spread counts as much as that of all lists together


class Clusters(NamedTuple):
    """Where lists stand, and how far their rows spread.

    Attributes:
        centroids: (n_lists, d) float32.
        halves: (n_lists,) float32, half the squared length of each, by the weights.
        spreads: (n_lists,) float32, how far the rows of each spread, as a multiple of what
            is usual; 0: nothing is known.
        weights: (d, d) float32, B, by which differences count.
        within: (d, d) float32, the covariance of rows around their centroids, over all lists.
    """

    centroids: Float32Array
    halves: Float32Array
    spreads: Float32Array
    weights: Float32Array
    within: Float32Array

    @classmethod
    def around(cls, centroids: Float32Array, weights: Float32Array | None = None) -> Self:
        """Of rows that nothing is known of; by default all directions count alike."""
        n, d = centroids.shape
        if weights is None:
            weights = np.eye(d, dtype=np.float32)
        squares = np.einsum("ij,ij->i", centroids @ weights, centroids, dtype=np.float64)
        halves, spreads = (squares / 2).astype(np.float32), np.zeros(n, np.float32)
        return cls(centroids, halves, spreads, weights, np.zeros((d, d), np.float32))

    def nearest(self, vectors: Float32Array) -> tuple[Int32Array, Float32Array]:
        """The nearest centroid of each row, (n,) int32; its squared distance by the weights."""
        owner = np.zeros(len(vectors), np.int32)
        best = np.empty(len(vectors), np.float32)
        step = max(1, _SCORES // len(self.centroids))
        for start in range(0, len(vectors), step):
            some = vectors[start : start + step]
            weighted = some @ self.weights
            scores = weighted @ self.centroids.T
            scores -= self.halves
            owner[start : start + step] = found = scores.argmax(axis=1)
            products = np.take_along_axis(scores, found[:, None], 1)[:, 0]
            best[start : start + step] = np.einsum("ij,ij->i", weighted, some) - 2 * products
        return owner, np.maximum(best, 0)

    def distances(self, vectors: Float32Array, lists: Int32Array) -> Float32Array:
        """How far rows stand from the centroids of their lists, as a multiple of what is usual.

        Args:
            vectors: (m, d) float32.
            lists: (m,) int32.
        """
        apart = vectors - self.centroids[lists]
        squares = np.einsum("ij,ij->i", apart @ self.weights, apart)
        usual = np.einsum("ij,ij->", self.weights, self.within) * self.spreads[lists] ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            far: Float32Array = np.sqrt(np.nan_to_num(squares / usual, posinf=np.inf))
        return far

    def spread_over(self, vectors: Float32Array, owner: Int32Array, squares: Float32Array) -> Self:
        """The same with the spreads of (n, d) rows, whose lists and squares `nearest` gave."""
        n = len(self.centroids)
        mean = float(squares.mean()) if len(squares) else 0.0
        if mean == 0:
            return self
        sums = np.bincount(owner, squares, minlength=n)
        variances = (sums + _SURE_AFTER * mean) / (np.bincount(owner, minlength=n) + _SURE_AFTER)
        some = slice(None, None, max(1, len(vectors) // _COVARIED))
        apart = vectors[some] - self.centroids[owner[some]]
        return self._replace(
            spreads=np.sqrt(variances / mean).astype(np.float32),
            within=(apart.T @ apart / np.float32(len(apart))).astype(np.float32),
        )


def weights_of(queries: Float32Array) -> Float32Array:
    """(d, d) float32, how much differences count to (m, d) queries, half as to all alike."""
    d, asked = queries.shape[1], of_length_one(queries)
    second = asked.T.astype(np.float64) @ asked / max(len(asked), 1)
    weights: Float32Array = ((np.eye(d) + d * second) / 2).astype(np.float32)
    return weights


def centroids_of(
    vectors: Float32Array, n: int, seed: int, weights: Float32Array | None = None
) -> Float32Array:
    """(n, d) float32 centroids of rows, by Lloyd's algorithm on a sample.

    Args:
        vectors: (m, d) float32, m at least n.
        n: Centroids.
        seed: Of the sample and the start.
        weights: (d, d) float32, by which differences count; by default all directions alike.
    """
    rng = np.random.default_rng(seed)
    sample = vectors
    if len(vectors) > n * _SAMPLE:
        sample = vectors[np.sort(rng.choice(len(vectors), n * _SAMPLE, replace=False))]
    centroids = sample[rng.choice(len(sample), n, replace=False)].astype(np.float32)
    for _ in range(_ROUNDS):
        owner, _ = Clusters.around(centroids, weights).nearest(sample)
        counts = np.bincount(owner, minlength=n)
        order = np.argsort(owner, kind="stable")
        filled = np.flatnonzero(counts)
        starts = np.concatenate(([0], np.cumsum(counts)))[filled]
        sums = np.add.reduceat(sample[order].astype(np.float64), starts, axis=0)
        centroids[filled] = sums / counts[filled, None]
        empty = np.flatnonzero(counts == 0)
        # One that nothing belongs to begins again at a row of a crowded one.
        crowded = sample[rng.choice(len(sample), len(empty), p=counts[owner] / counts[owner].sum())]
        centroids[empty] = crowded
    return centroids
