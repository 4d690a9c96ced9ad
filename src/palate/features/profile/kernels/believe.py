"""From weights to what is believed, compiled: the posterior of one person, less the prior's.

The formulas are those of `palate.features.profile.preference`.
"""

from __future__ import annotations

import math

import numba

__all__ = ["believe"]


@numba.njit(cache=True, nogil=True)
def believe(kept, factor, categories, alpha, usual, numbers, normal, out):
    """Fill `out` from a person's weights.

    Args:
        kept: (size,) float64. Of a category the weight at each value's place, that of all other
            values at the next, their sum at the one after; of a number n, mean, M2, unused.
        factor: What a kept weight is worth now.
        categories: (n_categories, 2) int64: the first place, and the one of all other values.
        alpha: (size,) float64: of the prior, at the places of categories.
        usual: (size,) float64: the prior's probability there.
        numbers: (n_numbers,) int64: the first place.
        normal: (n_numbers, 6) float64: m_0, kappa_0, a_0, b_0, the unit of the mean, and the
            prior's own variance.
        out: (size,) float32.
    """
    for c in range(categories.shape[0]):
        first, other = categories[c, 0], categories[c, 1]
        events = kept[other + 1] * factor
        whole = events
        for place in range(first, other + 1):
            whole += alpha[place]
        for place in range(first, other + 1):
            out[place] = (kept[place] * factor + alpha[place]) / whole - usual[place]
        out[other + 1] = math.log1p(events)
    for j in range(numbers.shape[0]):
        first = numbers[j]
        n, mean, m2 = kept[first] * factor, kept[first + 1], kept[first + 2] * factor
        m0, kappa0, a0, b0 = normal[j, 0], normal[j, 1], normal[j, 2], normal[j, 3]
        kappa = kappa0 + n
        apart = mean - m0 if n > 0.0 else 0.0
        b = b0 + m2 / 2 + kappa0 * n * apart * apart / (2 * kappa)
        variance = b / (a0 + n / 2 - 1.0)
        out[first] = n / kappa * apart / normal[j, 4]
        spread = math.log(variance / normal[j, 5]) / 2
        out[first + 1] = spread - math.log(kappa / kappa0) / 2
        out[first + 2] = spread
        out[first + 3] = math.log1p(n)
