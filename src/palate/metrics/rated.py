"""What rating metrics ask of their input: as many predictions as ratings, none of them NaN."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.types import Float64Array, FloatArray

__all__ = ["rated"]


def rated(truth: FloatArray, predicted: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Both as (n,) float64.

    A prediction that is missing cannot be left out: a model could then improve its error by
    declining the hard pairs.

    Raises:
        DataError: Lengths differ, there are none, or some are NaN or infinite; it says how
            many.
    """
    left, right = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise DataError(f"ratings have shape {left.shape} and predictions {right.shape}")
    if not len(left):
        raise DataError("there are no ratings to compare predictions with")
    for what, values in (("ratings", left), ("predictions", right)):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise DataError(
                f"{bad} of {len(values)} {what} are NaN or infinite",
                hint="give every pair a prediction, the item's or the overall mean if need be",
            )
    return left, right
