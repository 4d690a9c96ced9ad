"""Clusters of rows by k-means: which one a vector belongs to, and which hold what a query seeks.

Sources: Lloyd 1982, "Least squares quantization in PCM", IEEE Transactions on Information
Theory 28(2); for the inverted file over it, Jegou, Douze and Schmid 2011, "Product
quantization for nearest neighbor search", IEEE TPAMI 33(1), section IV.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import numpy as np

from palate.types import Float32Array, Int32Array

__all__ = ["Clusters", "centroids_of"]

_SAMPLE: Final = 64  # rows a centroid that are learned from, at most
_ROUNDS: Final = 8
_SCORES: Final = 1 << 22  # held at once: 16 MB, which a large cache holds
_SURE_AFTER: Final = 10  # rows whose spread counts as much as that of all lists together


class Clusters(NamedTuple):
    """Where lists stand, and how far their rows spread.

    Attributes:
        centroids: (n_lists, d) float32.
        halves: (n_lists,) float32, half the squared length of each.
        spreads: (n_lists,) float32, how far the product of a vector of length one with the
            list's rows deviates from that with its centroid, as a standard deviation.
    """

    centroids: Float32Array
    halves: Float32Array
    spreads: Float32Array

    @classmethod
    def around(cls, centroids: Float32Array) -> Self:
        """Of rows that nothing is known of."""
        lengths = np.einsum("ij,ij->i", centroids, centroids, dtype=np.float64)
        none = np.zeros(len(centroids), np.float32)
        return cls(centroids, (lengths / 2).astype(np.float32), none)

    def nearest(self, vectors: Float32Array) -> tuple[Int32Array, Float32Array]:
        """The centroid at the smallest Euclidean distance of each row, (n,) int32; its square."""
        owner = np.zeros(len(vectors), np.int32)
        best = np.empty(len(vectors), np.float32)
        step = max(1, _SCORES // len(self.centroids))
        for start in range(0, len(vectors), step):
            some = vectors[start : start + step]
            scores = some @ self.centroids.T
            scores -= self.halves
            owner[start : start + step] = found = scores.argmax(axis=1)
            products = np.take_along_axis(scores, found[:, None], 1)[:, 0]
            best[start : start + step] = np.einsum("ij,ij->i", some, some) - 2 * products
        return owner, np.maximum(best, 0)

    def spread_over(self, owner: Int32Array, squares: Float32Array) -> Self:
        """The same with the spreads of rows: (n,) lists and squared distances, of `nearest`."""
        n, d = self.centroids.shape
        sums = np.bincount(owner, squares, minlength=n)
        mean = float(squares.mean()) if len(squares) else 0.0
        variances = (sums + _SURE_AFTER * mean) / (np.bincount(owner, minlength=n) + _SURE_AFTER)
        return self._replace(spreads=np.sqrt(variances / d).astype(np.float32))


def centroids_of(vectors: Float32Array, n: int, seed: int) -> Float32Array:
    """(n, d) float32 centroids of rows, by Lloyd's algorithm on a sample.

    Args:
        vectors: (m, d) float32, m at least n.
        n: Centroids.
        seed: Of the sample and the start.
    """
    rng = np.random.default_rng(seed)
    sample = vectors
    if len(vectors) > n * _SAMPLE:
        sample = vectors[np.sort(rng.choice(len(vectors), n * _SAMPLE, replace=False))]
    centroids = sample[rng.choice(len(sample), n, replace=False)].astype(np.float32)
    for _ in range(_ROUNDS):
        owner, _ = Clusters.around(centroids).nearest(sample)
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
