"""Typed columns as embeddings without torch: what deep click models read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palate.features.columns import Encoded
from palate.models.kernels.fields import field_sums, pair_sums
from palate.types import Float32Array

__all__ = ["Looked", "embedded", "look_up", "pairs"]


@dataclass(frozen=True, slots=True)
class Looked:
    """What n rows are to a net.

    Attributes:
        vectors: (n, f, k) float32, an embedding a field.
        weights: (n,) float32, the sum of the first-order weights; 0 where the table has none.
        flat: (n, f * k + d) float32: the embeddings side by side, then the numbers.
    """

    vectors: Float32Array
    weights: Float32Array
    flat: Float32Array


def embedded(rows: Encoded, table: Float32Array) -> Float32Array:
    """The embedding of each field: its entries' rows of the table, weighted and added.

    A category has one entry, a number one or its two nearest knots, a field of several values
    as many as there are.

    Args:
        rows: n of them, f fields.
        table: (n_features, k) float32, shared by all fields.

    Returns:
        (n, f, k) float32; 0 where a field has no entry.
    """
    out = np.empty((len(rows), rows.n_fields, table.shape[1]), np.float32)
    field_sums(rows.indptr, rows.indices, rows.weights, rows.offsets, table, out)
    return out


def look_up(rows: Encoded, table: Float32Array, *, linear: bool, numbers: bool) -> Looked:
    """Embeddings, first-order weights and the input of dense layers.

    Args:
        rows: n of them, f fields, d numbers.
        table: (n_features, k), or (n_features, 1 + k) where `linear`.
        linear: The table's first column has first-order weights.
        numbers: The numbers join `flat`; a missing one counts as the mean, 0.
    """
    found = embedded(rows, table)
    n = len(rows)
    weights = np.zeros(n, np.float32)
    if linear:
        for field in range(rows.n_fields):  # in their order: a row alone adds up the same
            weights += found[:, field, 0]
        found = np.ascontiguousarray(found[:, :, 1:])
    flat = found.reshape(n, found.shape[1] * found.shape[2])
    if numbers and rows.numbers.shape[1]:
        flat = np.concatenate((flat, np.nan_to_num(rows.numbers, nan=0.0)), axis=1)
    return Looked(found, weights, flat)


def pairs(vectors: Float32Array) -> Float32Array:
    """The inner products of all pairs of fields, added up: (n, f, k) to (n,) float32."""
    out = np.empty(len(vectors), np.float32)
    pair_sums(vectors, out)
    return out
