"""How much better one model's AUC is than another's, with an interval over users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from palate.errors import DataError
from palate.stats.interval import Interval, check_level
from palate.types import BoolArray, Float64Array, Int64Array

__all__ = ["bootstrap_auc_difference"]

ROUNDS = 1000


def bootstrap_auc_difference(
    users: ArrayLike,
    labels: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    rounds: int = ROUNDS,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """AUC of scores `a` minus AUC of scores `b` on the same rows; above zero, a is better.

    AUC is over all pairs of rows and no mean over users, so each draw is computed anew: users
    are drawn with replacement, all rows of a user together, and both AUCs are taken over the
    rows drawn. The interval lies between the quantiles of the differences. A draw without
    both classes is left out. NaN scores sink below all others.

    Source: Field and Welsh (2007), Bootstrapping clustered data, JRSS B 69 (the cluster
    bootstrap); Hanley and McNeil (1982), Radiology 143 (AUC as the share of ordered pairs).

    >>> users, labels = np.repeat(np.arange(50), 2), np.tile([1, 0], 50)
    >>> print(bootstrap_auc_difference(users, labels, labels, np.zeros(100)))
    0.5000 [0.5000, 0.5000]

    Args:
        users: (n,) ids, equal for rows of one user.
        labels: (n,) of 0 and 1, or bool.
        a: (n,) float, higher is better.
        b: (n,) float.
        rounds: Draws.
        level: Nominal coverage.
        seed: Same seed and users, same draws.

    Raises:
        DataError: Lengths differ, a label is neither 0 nor 1, or one class is missing.
    """
    check_level(level)
    if rounds < 1:
        raise DataError(f"{rounds} bootstrap rounds; at least 1 is needed")
    raw = np.asarray(labels)
    scores = [np.asarray(one, np.float64) for one in (a, b)]
    shapes = {np.shape(users), raw.shape, *(one.shape for one in scores)}
    if len(shapes) != 1 or raw.ndim != 1:
        raise DataError(f"users, labels and scores have shapes {sorted(shapes)}; all are (n,)")
    if not ((raw == 0) | (raw == 1)).all() or not 0 < raw.sum() < len(raw):
        raise DataError("AUC needs labels 0 and 1, and rows of both")
    distinct, rows = np.unique(np.asarray(users), return_inverse=True)
    first, second = (_Ordered.of(one, raw == 1, rows) for one in scores)
    n = len(distinct)
    rng = np.random.default_rng(seed)
    found = np.empty(rounds)
    for draw in range(rounds):
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        found[draw] = first.auc(times) - second.auc(times)
    found = found[~np.isnan(found)]
    if not len(found):
        raise DataError("no draw of users had both classes", hint="judge more users")
    estimate = first.auc(np.ones(n)) - second.auc(np.ones(n))
    low, high = np.quantile(found, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(estimate), float(low), float(high), level)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """One model's rows by ascending score, so that a draw costs two running sums."""

    users: Int64Array  # (n,) row of the user
    positive: BoolArray  # (n,)
    starts: Int64Array  # (n_ties,) first row of each run of equal scores

    @classmethod
    def of(cls, scores: Float64Array, positive: BoolArray, users: Int64Array) -> Self:
        sunk = np.where(np.isnan(scores), -np.inf, scores)
        order = np.argsort(sunk, kind="stable")
        ordered = sunk[order]
        fresh = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        return cls(users[order], positive[order], np.flatnonzero(fresh))

    def auc(self, times: Float64Array) -> float:
        """AUC when user u counts `times[u]` times; NaN without both classes."""
        weights = times[self.users]
        above = np.add.reduceat(np.where(self.positive, weights, 0.0), self.starts)
        below = np.add.reduceat(np.where(self.positive, 0.0, weights), self.starts)
        pairs = above.sum() * below.sum()
        if pairs == 0:
            return float("nan")
        won = above @ (np.cumsum(below) - below / 2)
        return float(won / pairs)
