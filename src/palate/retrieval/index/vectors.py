"""Vectors as they come to an index: of its dimension, finite, of length 1 where it wants that."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.types import Float32Array

__all__ = ["checked", "of_length_one"]


def checked(vectors: Float32Array, dimension: int, what: str) -> Float32Array:
    """(n, dimension) float32, in one piece of memory.

    Args:
        vectors: (n, dimension).
        dimension: Of the index.
        what: Each of them is, for errors.

    Raises:
        DataError: They have another shape, or a number is not finite.
    """
    ready = np.ascontiguousarray(vectors, np.float32)
    if ready.ndim != 2 or ready.shape[1] != dimension:
        raise DataError(f"vectors have shape (n, {dimension}) here, and these have {ready.shape}")
    if not np.isfinite(ready.sum(dtype=np.float64)):  # in 64 bits none overflows by itself
        wrong = np.flatnonzero(~np.isfinite(ready).all(axis=1))
        raise DataError(f"{what} {wrong[0]} has a number that is not finite")
    return ready


def of_length_one(vectors: Float32Array) -> Float32Array:
    """(n, dimension) float32, each divided by its length; the zero vector stays."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1.0
    return np.asarray(vectors / lengths[:, None], np.float32)
