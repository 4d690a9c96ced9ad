"""Log loss: how surprised the predicted probabilities are by what happened.

    log_loss = -mean of (y ln p + (1 - y) ln(1 - p))

with p clipped to [e, 1 - e], e = 2.2e-16 (the spacing of doubles at 1), so one confident
mistake costs at most 36. It judges calibration as well as order: 0.5 for everything gives
ln 2 = 0.693. A NaN probability, or one outside 0 and 1, is an error: there is no rank to
sink to.

>>> import numpy as np
>>> round(log_loss([1, 0], [0.8, 0.4]), 4)
0.367

Range 0 upwards, lower is better.

Source: Bishop (2006), Pattern Recognition and Machine Learning, equation 4.90; the clipping
is that of scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from palate.errors import DataError
from palate.metrics.labelled import labelled

__all__ = ["log_loss"]

CLIP = float(np.finfo(np.float64).eps)


def log_loss(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean negative log likelihood of (n,) `labels` under probabilities (n,) `scores`.

    Raises:
        DataError: Lengths differ, there are none, or a score is no probability.
    """
    positive, values = labelled(labels, scores)
    bad = int((~((values >= 0) & (values <= 1))).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(values)} scores are not probabilities from 0 to 1",
            hint="pass a sigmoid's output, or judge the order alone with auc",
        )
    clipped = np.clip(values, CLIP, 1.0 - CLIP)
    return float(-np.log(np.where(positive, clipped, 1.0 - clipped)).mean())
