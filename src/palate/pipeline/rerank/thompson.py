r"""Thompson sampling as probabilities: how likely each item's rate is the highest of all.

With theta_i ~ Beta(a + taken_i, b + shown_i - taken_i), each on the cells of a grid,

    P(i) ~ sum_cells [F_i(right) - F_i(left)] prod_{j != i} F_j(middle),   scaled to add up to 1

Drawing from P is drawing every theta_i and taking the highest (on the grid), with a probability
that can be logged. A small share goes to all evenly, so that nothing has a propensity of zero.

Source: Thompson 1933, "On the likelihood that one unknown probability exceeds another in view of
the evidence of two samples"; Russo et al. 2018, "A tutorial on Thompson sampling", section 3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from scipy import special

from palate.types import Float64Array

__all__ = ["chances"]

_CELLS: Final = 128
_EVEN: Final = 0.05  # of the probability, shared evenly
_EDGES: Final = (np.arange(_CELLS + 1) / _CELLS) ** 2  # closer together where rates are: near 0


def chances(counts: Float64Array, taken: float, not_taken: float) -> Float64Array:
    """(m,) probabilities of (m, 2) counts, times shown and times taken; they add up to 1.

    Args:
        counts: What is negative or not a number counts as none, what was taken as shown.
        taken: a of the prior, above 0.
        not_taken: b of the prior, above 0.
    """
    m = len(counts)
    if m == 0:
        return np.empty(0)
    clean = np.nan_to_num(np.maximum(counts, 0.0), nan=0.0, posinf=0.0)
    shown, took = clean[:, 0], np.minimum(clean[:, 1], clean[:, 0])
    a, b = taken + took, not_taken + shown - took
    cells = np.array([_cells(*one) for one in zip(a.tolist(), b.tolist(), strict=True)])
    within, middle = cells[:, 0], cells[:, 1]
    highest = (within * np.exp(middle.sum(axis=0) - middle)).sum(axis=1)
    whole = float(highest.sum())
    even = np.full(m, 1.0 / m)
    return even if not whole > 0 else (1.0 - _EVEN) * highest / whole + _EVEN * even


@lru_cache(maxsize=10_000)
def _cells(a: float, b: float) -> Float64Array:
    """(2, _CELLS) of Beta(a, b): probability within a cell, ln of that below its middle.

    New items have small counts, so that few pairs come up again and again.
    """
    below = special.betainc(a, b, _EDGES)
    middle = np.maximum((below[1:] + below[:-1]) / 2, 1e-300)
    return np.stack((np.diff(below), np.log(middle)))
