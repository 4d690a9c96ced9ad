"""Explained variance: R² after a constant error of all predictions is forgiven.

    explained_variance = 1 - variance of (rating - prediction) / variance of ratings

It equals R² when errors average zero; the distance between the two shows a bias that one
constant would mend. Ratings that are all alike: 1 when all errors are alike, else 0.

Every prediction is one star too high:

>>> import numpy as np
>>> explained_variance(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]))
1.0

Range minus infinity to 1, higher is better. A NaN prediction is an error, never left out.

Source: scikit-learn user guide, section 3.4, explained variance score, which
`recommenders.exp_var` calls.
"""

from __future__ import annotations

from palate.metrics.r2 import share_explained
from palate.metrics.rated import rated
from palate.types import FloatArray

__all__ = ["explained_variance"]


def explained_variance(truth: FloatArray, predicted: FloatArray) -> float:
    """Share of the variance of (n,) `truth` that (n,) `predicted` explains.

    Raises:
        DataError: Lengths differ, there are none, or some are NaN or infinite.
    """
    left, right = rated(truth, predicted)
    return share_explained(float((left - right).var()), float(left.var()))
