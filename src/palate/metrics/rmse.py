"""RMSE: root of the mean squared error of predicted ratings.

    rmse = sqrt(mean of (rating - prediction)^2)

In the unit of the ratings. Large errors weigh more than in MAE. Errors of 0 and 2:

>>> import numpy as np
>>> round(rmse(np.array([4.0, 1.0]), np.array([4.0, 3.0])), 4)
1.4142

Range 0 upwards, lower is better. A NaN prediction is an error, never left out.

Source: Herlocker, Konstan, Terveen and Riedl (2004), Evaluating collaborative filtering
recommender systems, ACM TOIS 22.
"""

from __future__ import annotations

import math

from palate.metrics.rated import rated
from palate.types import FloatArray

__all__ = ["rmse"]


def rmse(truth: FloatArray, predicted: FloatArray) -> float:
    """Root mean squared error of (n,) `predicted` against (n,) `truth`.

    Raises:
        DataError: Lengths differ, there are none, or some are NaN or infinite.
    """
    left, right = rated(truth, predicted)
    return math.sqrt(float(((left - right) ** 2).mean()))
