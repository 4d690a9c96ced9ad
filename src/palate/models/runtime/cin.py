"""The compressed interaction network without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from palate.models.kernels.cin import weigh_maps
from palate.models.runtime.dense import Dense
from palate.models.runtime.tower import layer_of
from palate.types import Float32Array

__all__ = ["cin_layers", "interactions"]

ROWS = 32  # at once: products of fields are many


def cin_layers(arrays: Mapping[str, np.ndarray]) -> list[Dense]:
    """`cin.0.weight` and so on, each (h_next * h, f): W of map, earlier map and field."""
    found: list[Dense] = []
    while f"cin.{len(found)}.weight" in arrays:
        found.append(layer_of(arrays, f"cin.{len(found)}"))
    return found


def interactions(vectors: Float32Array, layers: Sequence[Dense]) -> Float32Array:
    """The feature maps of all layers, each summed over the numbers of an embedding.

    x_next[h, d] = sum over i, j of W[h, i, j] * x[i, d] * x0[j, d] (Lian et al. 2018, equation
    6), first the sum over j, a dense layer for each d, then that over i.

    Args:
        vectors: (n, f, k) embeddings.
        layers: What `cin_layers` found.

    Returns:
        (n, sum of the layers' maps) float32.
    """
    parts = [
        _interactions(vectors[start : start + ROWS], layers)
        for start in range(0, len(vectors), ROWS)
    ]
    return np.concatenate(parts) if parts else np.empty((0, _maps(vectors, layers)), np.float32)


def _interactions(vectors: Float32Array, layers: Sequence[Dense]) -> Float32Array:
    n, f, k = vectors.shape
    first = np.ascontiguousarray(vectors.transpose(0, 2, 1)).reshape(n * k, f)
    before, found = first, []
    for layer in layers:
        mixed = layer(first)
        after = np.empty((n * k, layer.n_out // before.shape[1]), np.float32)
        weigh_maps(mixed, before, after)
        # Number after number, so that a row alone adds up as in a batch.
        total = np.zeros((n, after.shape[1]), np.float32)
        for number in range(k):
            total += after[number::k]
        found.append(total)
        before = after
    return np.concatenate(found, axis=1)


def _maps(vectors: Float32Array, layers: Sequence[Dense]) -> int:
    """Feature maps of all layers together."""
    before, total = vectors.shape[1], 0
    for layer in layers:
        before = layer.n_out // before
        total += before
    return total
