"""MAE: mean absolute error of predicted ratings.

    mae = mean of |rating - prediction|

In the unit of the ratings. Errors of 0 and 2:

>>> import numpy as np
>>> mae(np.array([4.0, 1.0]), np.array([4.0, 3.0]))
1.0

Range 0 upwards, lower is better. A NaN prediction is an error, never left out.

Source: Herlocker, Konstan, Terveen and Riedl (2004), Evaluating collaborative filtering
recommender systems, ACM TOIS 22.
"""

from __future__ import annotations

import numpy as np

from palate.metrics.rated import rated
from palate.types import FloatArray

__all__ = ["mae"]


def mae(truth: FloatArray, predicted: FloatArray) -> float:
    """Mean absolute error of (n,) `predicted` against (n,) `truth`.

    Raises:
        DataError: Lengths differ, there are none, or some are NaN or infinite.
    """
    left, right = rated(truth, predicted)
    return float(np.abs(left - right).mean())
