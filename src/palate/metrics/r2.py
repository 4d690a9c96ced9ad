"""R²: how much less the squared error is than that of always saying the mean rating.

    r2 = 1 - sum of (rating - prediction)^2 / sum of (rating - mean rating)^2

1 is perfect, 0 is as good as the mean of the test ratings, below 0 is worse. Ratings that
are all alike leave nothing to explain: 1 when every prediction is exact, else 0 (the habit
of scikit-learn).

>>> import numpy as np
>>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
0.5

Range minus infinity to 1, higher is better. A NaN prediction is an error, never left out.

Source: Kvålseth (1985), Cautionary note about R², The American Statistician 39, equation 1.
"""

from __future__ import annotations

from palate.metrics.rated import rated
from palate.types import FloatArray

__all__ = ["r2", "share_explained"]


def r2(truth: FloatArray, predicted: FloatArray) -> float:
    """Coefficient of determination of (n,) `predicted` against (n,) `truth`.

    Raises:
        DataError: Lengths differ, there are none, or some are NaN or infinite.
    """
    left, right = rated(truth, predicted)
    unexplained = float(((left - right) ** 2).sum())
    return share_explained(unexplained, float(((left - left.mean()) ** 2).sum()))


def share_explained(unexplained: float, total: float) -> float:
    """1 - unexplained / total; with nothing to explain, 1 if nothing is unexplained, else 0."""
    if total == 0.0:
        return 1.0 if unexplained == 0.0 else 0.0
    return 1.0 - unexplained / total
