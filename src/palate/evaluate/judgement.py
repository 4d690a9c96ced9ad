"""What a model was found to be worth: one number a user, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from palate.stats import Interval
from palate.types import Float64Array, Int32Array

__all__ = ["Judgement"]


@dataclass(frozen=True)
class Judgement:
    """One model under one protocol.

    Attributes:
        users: (n_users,) int32 rows of the test part's user vocabulary: who was judged.
        recommended: (n_users, k) int32 rows of the test part's item vocabulary, best first;
            -1 where there are fewer, and for an item that the test part does not know.
        per_user: For each metric that is an average over users, (n_users,) float64; NaN for
            a user outside the average (no relevant item), zero for one without predictions.
        intervals: For each of those the mean with its bootstrap interval over users.
        figures: Numbers of the model as a whole: catalogue coverage, Gini, RMSE and the like.
        recommend_s: Seconds to rank the catalogue for all users.
        empty_slates: Users who got no item at all; they count zero.
        nan_scores: Recommended items without a score; they were taken out and count as absent.
    """

    users: Int32Array
    recommended: Int32Array
    per_user: Mapping[str, Float64Array]
    intervals: Mapping[str, Interval]
    figures: Mapping[str, float]
    recommend_s: float
    empty_slates: int
    nan_scores: int
