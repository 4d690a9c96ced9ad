"""Differences between two models over the same users: what paired statistics read."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.types import Float64Array, FloatArray

__all__ = ["differences"]


def differences(a: FloatArray, b: FloatArray) -> Float64Array:
    """(n_users,) float64, a - b of the same users; NaN where neither counts.

    Raises:
        DataError: Lengths differ, or one is NaN where the other is not.
    """
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"paired values have shapes {a.shape} and {b.shape}; both are (n_users,)")
    apart = int((np.isnan(a) != np.isnan(b)).sum())
    if apart:
        raise DataError(
            f"{apart} users count for one of the two models and not for the other",
            hint="judge both models on the same users",
        )
    return np.asarray(a, np.float64) - np.asarray(b, np.float64)
