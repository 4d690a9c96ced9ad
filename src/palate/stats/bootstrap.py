"""Percentile bootstrap over users: how far a mean would move with other users."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from palate.errors import DataError
from palate.stats.difference import differences
from palate.stats.interval import Interval, check_level
from palate.types import BoolArray, Float64Array, FloatArray

__all__ = ["bootstrap_difference", "bootstrap_mean", "bootstrap_means"]

ROUNDS = 2000
CHUNK_CELLS = 1 << 20  # draws held at once: 8 MB of int64, and as much again for the counts


def bootstrap_mean(
    values: FloatArray,
    *,
    weights: FloatArray | None = None,
    rounds: int = ROUNDS,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The mean of one value a user, with its interval.

    Users are drawn with replacement `rounds` times, as many as there are; the interval lies
    between the (1 - level) / 2 and (1 + level) / 2 quantiles of the means of those draws.
    The user is the unit since the items of one user are not independent. NaN marks a user
    who is not part of the average and is left out first.

    With weights the mean is sum(w v) / sum(w) in every draw: squared error a user weighted
    by the ratings gives the mean squared error, AUC weighted by impressions gives GAUC.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    >>> print(bootstrap_mean(np.array([0.0, 1.0] * 50), seed=1))
    0.5000 [0.4000, 0.6000]

    Args:
        values: (n_users,) float, NaN where a user does not count.
        weights: (n_users,) float, above zero; 1 each by default.
        rounds: Draws; 2000 give ends that are stable to about a fiftieth of the width.
        level: Nominal coverage.
        seed: Same seed and number of users, same draws.

    Raises:
        DataError: No value is left, or lengths differ.
    """
    named = {"values": values}
    return bootstrap_means(named, weights=weights, rounds=rounds, level=level, seed=seed)["values"]


def bootstrap_means(
    columns: Mapping[str, FloatArray],
    *,
    weights: FloatArray | None = None,
    rounds: int = ROUNDS,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """`bootstrap_mean` of several metrics over the same users, with one set of draws.

    Equal to `bootstrap_mean` of each, at little more than the cost of one.

    >>> intervals = bootstrap_means({"a": np.array([1.0, 1.0]), "b": np.array([0.0, np.nan])})
    >>> print(intervals["a"], intervals["b"])
    1.0000 [1.0000, 1.0000] 0.0000 [0.0000, 0.0000]

    Args:
        columns: Name to (n_users,) float; NaN where a user does not count in that metric.
        weights: As in `bootstrap_mean`.
        rounds: As in `bootstrap_mean`.
        level: As in `bootstrap_mean`.
        seed: As in `bootstrap_mean`.

    Raises:
        DataError: A column has no value left, or lengths differ.
    """
    check_level(level)
    if rounds < 1:
        raise DataError(f"{rounds} bootstrap rounds; at least 1 is needed")
    # Columns that count the same users share their draws.
    groups: dict[bytes, list[str]] = {}
    for name, values in columns.items():
        groups.setdefault(_counted(name, values).tobytes(), []).append(name)
    found: dict[str, Interval] = {}
    for names in groups.values():
        counted = _counted(names[0], columns[names[0]])
        table = np.column_stack([np.asarray(columns[n], np.float64)[counted] for n in names])
        weight = _weight(weights, counted)
        means = _drawn_means(table, weight, rounds, np.random.default_rng(seed))
        ends = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
        estimates = weight @ table / weight.sum()
        for at, name in enumerate(names):
            low, high = ends[:, at]
            found[name] = Interval(float(estimates[at]), float(low), float(high), level)
    return {name: found[name] for name in columns}


def bootstrap_difference(
    a: FloatArray,
    b: FloatArray,
    *,
    rounds: int = ROUNDS,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The mean of a - b over the same users, with its interval; above zero, a is better.

    Pairing removes what makes users differ from each other, so the interval is far narrower
    than two separate ones suggest.

    >>> print(bootstrap_difference(np.array([0.5, 0.9, 0.1]), np.array([0.4, 0.8, 0.0])))
    0.1000 [0.1000, 0.1000]

    Args:
        a: (n_users,) float, NaN where a user does not count.
        b: (n_users,) float, NaN for the same users.
        rounds: As in `bootstrap_mean`.
        level: As in `bootstrap_mean`.
        seed: As in `bootstrap_mean`.

    Raises:
        DataError: The two do not judge the same users.
    """
    return bootstrap_mean(differences(a, b), rounds=rounds, level=level, seed=seed)


def _counted(name: str, values: FloatArray) -> BoolArray:
    counted = ~np.isnan(values)
    if values.ndim != 1 or not counted.any():
        raise DataError(f"{name}: no user has a value, so there is no mean")
    return np.asarray(counted)


def _weight(weights: FloatArray | None, counted: BoolArray) -> Float64Array:
    if weights is None:
        return np.ones(int(counted.sum()))
    if weights.shape != counted.shape:
        raise DataError(f"weights have shape {weights.shape}, values {counted.shape}")
    chosen = np.asarray(weights[counted], np.float64)
    if not (chosen > 0).all():
        raise DataError("a weight is zero, negative or NaN", hint="leave those users out as NaN")
    return chosen


def _drawn_means(
    table: Float64Array, weight: Float64Array, rounds: int, rng: np.random.Generator
) -> Float64Array:
    """(rounds, m) float64, the weighted column means of `table` (n, m) in each draw of rows.

    How often each row was drawn, times the table, is one matrix product for all columns.
    """
    n = len(table)
    weighted = np.column_stack([table * weight[:, None], weight])
    out = np.empty((rounds, table.shape[1]))
    step = max(1, CHUNK_CELLS // n)
    for start in range(0, rounds, step):
        size = min(step, rounds - start)
        drawn = rng.integers(0, n, size=(size, n))
        drawn += np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        sums = counts.astype(np.float64) @ weighted
        out[start : start + size] = sums[:, :-1] / sums[:, -1:]
    return out
