"""Two click models on the same rows: the difference of AUC and of log loss, users drawn."""

from __future__ import annotations

import numpy as np

from harness import Bench
from palate.stats import bootstrap_mean
from palate.stats.auc_difference import bootstrap_auc_difference
from palate.types import Float64Array

__all__ = ["above"]

Rows = tuple[np.ndarray, np.ndarray]


def above(
    bench: Bench, name: str, rows: Rows, pair: tuple[Float64Array, Float64Array]
) -> tuple[float, float]:
    """Record by how much the first is above the second: AUC, and log loss saved.

    Args:
        bench: Takes the records.
        name: Of the comparison.
        rows: (n,) users and (n,) labels.
        pair: (n,) answers of each.

    Returns:
        The ends of the interval of the difference of AUC.
    """
    found = bootstrap_auc_difference(*rows, *pair)
    ends = (found.low, found.high)
    bench.add(f"{name}, auc", found.estimate, higher_is_better=True, interval=ends)
    # Not below it outside the interval: the upper end is not under 0.
    bench.add(f"{name}, auc, upper end", found.high, higher_is_better=True, target=0.0)
    users, labels = rows
    losses = [-np.log(np.where(labels == 1, p, 1 - p)) for p in pair]
    _, of = np.unique(users, return_inverse=True)
    counts = np.bincount(of).astype(np.float64)
    means = np.bincount(of, losses[1] - losses[0]) / counts
    gain = bootstrap_mean(means, weights=counts)
    saved = (gain.low, gain.high)
    bench.add(f"{name}, less log loss", gain.estimate, higher_is_better=True, interval=saved)
    return ends
