"""What was known of a key before each row: counts that no later row can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate.data.frames import to_polars
from palate.errors import DataError
from palate.types import Float64Array, FloatArray, Int64Array

__all__ = ["past_counts", "smoothed_rate"]

SHOWN: Final = "shown"


def past_counts(
    frame: IntoDataFrame,
    keys: Sequence[str],
    outcomes: Sequence[str],
    *,
    time: str,
    frozen_at: int | None = None,
) -> pl.DataFrame:
    """For each row: how often its key was seen strictly before it, and with what outcome.

    Rows of the same moment do not see each other, whatever their order in the table; the
    answer does not depend on that order at all.

    Args:
        frame: One row an exposure.
        keys: Columns that make the key together: `["video_id"]`, `["user_id", "tag"]`. A null
            is a key like any other.
        outcomes: Columns of numbers to add up; an outcome must be known as soon as its row is
            over, since the next row already sees it.
        time: Column of integers; any unit, as long as it is one.
        frozen_at: Rows at this time and later are answered from rows before it only, as a
            model is that was handed its counts at the cut.

    Returns:
        (n,) rows in the order of `frame`: `shown` and each outcome, Float64.

    Raises:
        DataError: A column is missing, a time is missing, or an outcome is NaN or infinite.
    """
    table = to_polars(frame)
    for name in (*keys, *outcomes, time):
        if name not in table.columns:
            raise DataError(f"no column {name!r}; the table has {table.columns}")
    if not keys or not table[time].dtype.is_integer() or table[time].null_count():
        raise DataError(f"past counts need a key, and a whole number in every row of {time!r}")
    moments = table[time].to_numpy().astype(np.int64)
    group = table.select(pl.struct(list(keys)).rank("dense")).to_series().to_numpy()
    amounts = np.column_stack(
        [np.ones(table.height), *(_amounts(table[name]) for name in outcomes)]
    )
    if frozen_at is not None:
        late = moments >= frozen_at
        amounts[late] = 0.0
    before = _before(group.astype(np.int64), moments, amounts)
    return pl.DataFrame(dict(zip((SHOWN, *outcomes), before.T, strict=True)))


def smoothed_rate(
    successes: FloatArray, trials: FloatArray, *, prior: float, strength: float
) -> Float64Array:
    """(successes + strength * prior) / (trials + strength): few trials say little.

    The mean of a Beta(strength * prior, strength * (1 - prior)) distribution after the
    trials; Gelman et al. 2013, "Bayesian data analysis", section 2.4.

    Args:
        successes: (n,).
        trials: (n,).
        prior: The rate without any trial.
        strength: Trials that the prior is worth; above 0.
    """
    if not strength > 0:
        raise DataError(f"the prior's strength is {strength}; it is above 0")
    rate: Float64Array = (successes + strength * prior) / (trials + strength)
    return rate


def _amounts(series: pl.Series) -> Float64Array:
    found = np.asarray(series.cast(pl.Float64).fill_null(np.nan).to_numpy())
    if not np.isfinite(found).all():
        row = int(np.argmin(np.isfinite(found))) + 1
        raise DataError(f"outcome {series.name!r} is missing or not finite in row {row}")
    return found


def _before(group: Int64Array, moments: Int64Array, amounts: Float64Array) -> Float64Array:
    """(n, m) sums over rows of the same group with an earlier moment."""
    n = len(group)
    if not n:
        return np.zeros_like(amounts)
    order = np.lexsort((moments, group))
    groups, times = group[order], moments[order]
    new_group = np.concatenate(([True], groups[1:] != groups[:-1]))
    new_moment = new_group | np.concatenate(([True], times[1:] != times[:-1]))
    total = np.vstack((np.zeros(amounts.shape[1]), np.cumsum(amounts[order], axis=0)))
    at = np.arange(n)
    first = np.maximum.accumulate(np.where(new_group, at, 0))
    moment = np.maximum.accumulate(np.where(new_moment, at, 0))
    out = np.empty_like(amounts)
    out[order] = total[moment] - total[first]
    return out
