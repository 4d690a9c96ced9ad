"""What score metrics ask of their input: a label, 0 or 1, beside each score."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from palate.errors import DataError
from palate.types import BoolArray, Float64Array

__all__ = ["labelled", "sunk"]


def labelled(labels: ArrayLike, scores: ArrayLike) -> tuple[BoolArray, Float64Array]:
    """(n,) bool and (n,) float64.

    Raises:
        DataError: Lengths differ, there are none, or a label is neither 0 nor 1.
    """
    raw, values = np.asarray(labels), np.asarray(scores, np.float64)
    if raw.ndim != 1 or raw.shape != values.shape:
        raise DataError(f"labels have shape {raw.shape} and scores {values.shape}")
    if not len(raw):
        raise DataError("there are no labels to compare scores with")
    if not ((raw == 0) | (raw == 1)).all():
        raise DataError("a label is neither 0 nor 1", hint="labels = ratings >= 4, for example")
    return raw.astype(np.bool_), values


def sunk(scores: Float64Array) -> Float64Array:
    """`scores` with NaN below everything else: what a model cannot score it cannot rank."""
    return np.where(np.isnan(scores), -np.inf, scores)
