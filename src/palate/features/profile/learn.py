r"""The average person, learned from many: the prior under which their statistics are likeliest.

Category: alpha of a Dirichlet-multinomial by Minka's fixed point, psi the digamma function,

    alpha_v <- alpha_v  sum_u [psi(n_uv + alpha_v) - psi(alpha_v)]
                      / sum_u [psi(N_u + A) - psi(A)]

Number: (m_0, kappa_0, a_0, b_0) by maximising, over people with moments n, x, M2,

    ln G(a) - ln G(a_0) + a_0 ln b_0 - a ln b + (ln kappa_0 - ln kappa) / 2

with a, b, kappa as in `preference`.

Sources: Minka 2000 (revised 2012), "Estimating a Dirichlet distribution", equation 55; Murphy
2007, "Conjugate Bayesian analysis of the Gaussian distribution", equation 203 (the evidence).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from scipy import optimize, special

from palate.errors import DataError
from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.prior import CategoryPrior, NumberPrior, Prior
from palate.features.profile.statistics import Statistics
from palate.types import AttributeKind, Float64Array, Int64Array

__all__ = ["learn_prior"]

_ROUNDS: Final = 500
_SETTLED: Final = 1e-6  # relative change of A
_LEAST: Final = 1e-3  # of alpha and kappa: below, one event would settle everything
_NOTHING: Final = 1e-6  # events: what is worth less is long gone
_MOST: Final = 1e4  # of A and kappa: above, nobody differs from the average


def learn_prior(
    people: Iterable[Statistics],
    definition: ProfileDefinition,
    now_us: int,
    *,
    version: int = 1,
    partial: bool = False,
) -> Prior:
    """The prior under which these people's statistics are likeliest.

    Args:
        people: Under `definition`; a few thousand are enough.
        definition: Says which attributes there are.
        now_us: The moment that their evidence is weighed at, microseconds since 1970 UTC.
        version: Of the prior.
        partial: Leave out attributes of which nobody knows anything.

    Raises:
        DataError: Nobody knows anything of an attribute, so there is no average.
    """
    given = list(people)
    factors = [one.factor(now_us, definition) for one in given]
    categories: dict[str, CategoryPrior] = {}
    numbers: dict[str, NumberPrior] = {}
    for name, attribute in definition.attributes.items():
        if attribute.kind is AttributeKind.NUMBER:
            samples = [
                one.moments[name].times(factor)
                for one, factor in zip(given, factors, strict=True)
                if name in one.moments and one.moments[name].n * factor > _NOTHING
            ]
            if partial and not samples:
                continue
            _check(name, len(samples))
            numbers[name] = _number_prior(np.array(samples, np.float64))
        else:
            counted = [
                {value: weight * factor for value, weight in one.counts[name].items()}
                for one, factor in zip(given, factors, strict=True)
                if sum(one.counts.get(name, {}).values()) * factor > _NOTHING
            ]
            if partial and not counted:
                continue
            _check(name, len(counted))
            categories[name] = _category_prior(counted)
    return Prior(definition.fingerprint, version, categories, numbers)


def _check(name: str, n: int) -> None:
    if n == 0:
        raise DataError(
            f"nobody has done anything with items that have the attribute {name!r}",
            hint="leave it out of the definition, or wait for events",
        )


def _category_prior(people: Sequence[dict[str, float]]) -> CategoryPrior:
    values = sorted({value for counts in people for value in counts})
    row = {value: place for place, value in enumerate(values)}
    value = np.array([row[v] for counts in people for v in counts], np.int64)
    weight = np.array([w for counts in people for w in counts.values()], np.float64)
    totals = np.array([sum(counts.values()) for counts in people], np.float64)
    alpha = _fixed_point(value, weight, totals, len(values))
    # Values that nobody had share what half an event of all that were seen is worth.
    other = float(alpha.sum() * 0.5 / (totals.sum() + 0.5))
    return CategoryPrior(dict(zip(values, alpha.tolist(), strict=True)), other)


def _fixed_point(
    value: Int64Array, weight: Float64Array, totals: Float64Array, n_values: int
) -> Float64Array:
    """(n_values,) alpha; `value` and `weight` are one entry a person and value."""
    shares = np.bincount(value, weight / totals.mean(), minlength=n_values) + 0.5
    alpha = np.asarray(shares / shares.sum() * min(n_values, 10.0), np.float64)
    for _ in range(_ROUNDS):
        whole = alpha.sum()
        rise = special.digamma(weight + alpha[value]) - special.digamma(alpha[value])
        above = np.bincount(value, rise, minlength=n_values)
        below = float((special.digamma(totals + whole) - special.digamma(whole)).sum())
        alpha = np.maximum(alpha * above / below, _LEAST / n_values)
        if alpha.sum() > _MOST:
            return np.asarray(alpha * (_MOST / alpha.sum()), np.float64)
        if abs(alpha.sum() - whole) < _SETTLED * whole:
            break
    return np.asarray(alpha, np.float64)


def _number_prior(samples: Float64Array) -> NumberPrior:
    """From (n_people, 3): n, mean, M2 of each."""
    n, mean, m2 = samples.T
    centre = float(np.average(mean, weights=n))
    # On a unit scale the search behaves the same for prices and for years.
    unit = float(np.sqrt((m2 + n * (mean - centre) ** 2).sum() / n.sum())) or 1.0
    x, squares = (mean - centre) / unit, m2 / unit**2

    def unlikelihood(q: Float64Array) -> float:
        m0, kappa0, a0, b0 = q[0], np.exp(q[1]), 1.0 + np.exp(q[2]), np.exp(q[3])
        kappa, a = kappa0 + n, a0 + n / 2
        b = b0 + squares / 2 + kappa0 * n * (x - m0) ** 2 / (2 * kappa)
        evidence = special.gammaln(a) - special.gammaln(a0) + a0 * np.log(b0) - a * np.log(b)
        return -float((evidence + (np.log(kappa0) - np.log(kappa)) / 2).mean())

    bounds = [(-10, 10), (np.log(_LEAST), np.log(_MOST)), (-5, 5), (-10, 10)]
    found = optimize.minimize(
        unlikelihood, np.array([0.0, 0.0, 0.5, 0.0]), method="L-BFGS-B", bounds=bounds
    )
    m0, kappa0, a0, b0 = found.x
    return NumberPrior(
        centre + unit * float(m0),
        float(np.exp(kappa0)),
        1.0 + float(np.exp(a0)),
        float(np.exp(b0)) * unit**2,
    )
