"""AUC: the chance that a positive outranks a negative, over all pairs whatever the user.

    auc = (pairs with score(positive) > score(negative) + half of the ties) / all pairs

computed from ranks (ties get their mean rank): with P positives and N negatives,

    auc = (sum of the positives' ranks - P (P + 1) / 2) / (P N)

0.5 is chance. It compares across users, so a model that only knows who is active looks good;
`gauc` does not have that fault. NaN scores sink below all others.

One negative ties with one positive and lies below the other: (1 + 1/2) / 2

>>> auc([1, 1, 0], [0.9, 0.4, 0.4])
0.75

Range 0 to 1, higher is better.

Source: Hanley and McNeil (1982), The meaning and use of the area under a receiver operating
characteristic (ROC) curve, Radiology 143.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from palate.errors import DataError
from palate.metrics.labelled import labelled, sunk
from palate.metrics.ranks import ranks_within

__all__ = ["auc"]


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of (n,) `scores` for (n,) `labels` of 0 and 1.

    Raises:
        DataError: Lengths differ, there are none, or all labels are alike.
    """
    positive, values = labelled(labels, scores)
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise DataError(
            f"AUC needs both classes; all {len(positive)} labels are {int(n_positive > 0)}"
        )
    ranks = ranks_within(np.zeros(len(values), np.int64), sunk(values))
    excess = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return excess / (n_positive * n_negative)
