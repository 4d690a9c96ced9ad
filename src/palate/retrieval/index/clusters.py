"""Centroids by k-means, and which of them a vector belongs to.

Source: Lloyd 1982, "Least squares quantization in PCM", IEEE Transactions on Information
Theory 28(2); for the inverted file over it, Jegou, Douze and Schmid 2011, "Product
quantization for nearest neighbor search", IEEE TPAMI 33(1), section IV.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.types import Float32Array, Int32Array

__all__ = ["centroids_of", "nearest_centroid"]

_SAMPLE: Final = 64  # rows a centroid that are learned from, at most
_ROUNDS: Final = 8
_SCORES: Final = 1 << 24  # held at once: 64 MB


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
        owner = nearest_centroid(sample, centroids)
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


def nearest_centroid(vectors: Float32Array, centroids: Float32Array) -> Int32Array:
    """(n,) int32: the centroid at the smallest Euclidean distance from each row."""
    if len(centroids) == 1:
        return np.zeros(len(vectors), np.int32)
    owner = np.empty(len(vectors), np.int32)
    half = (centroids.astype(np.float64) ** 2).sum(axis=1).astype(np.float32) / 2
    step = max(1, _SCORES // len(centroids))
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ centroids.T
        scores -= half
        owner[start : start + step] = scores.argmax(axis=1)
    return owner
