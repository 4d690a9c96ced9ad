"""Holm's correction: several tests at once, one promise about false alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palate.errors import DataError
from palate.types import Float64Array

__all__ = ["holm"]


def holm(p_values: Sequence[float] | Float64Array) -> Float64Array:
    """Adjusted p-values; rejecting those below alpha keeps the chance of any error under alpha.

    Sorted upwards, p(i) of m becomes the largest of (m - j + 1) p(j) over j <= i, at most 1.
    Always at least as strong as Bonferroni's, and needs no independence.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]

    Args:
        p_values: (m,) from 0 to 1.

    Returns:
        (m,) float64, in the order given.

    Raises:
        DataError: A p-value is NaN or not within 0 and 1.
    """
    raw = np.asarray(p_values, np.float64)
    if not ((raw >= 0) & (raw <= 1)).all():
        raise DataError(f"not all of {raw.tolist()} are p-values from 0 to 1")
    order = np.argsort(raw, kind="stable")
    scaled = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted
