r"""What is believed of a person: their statistics, shrunk towards the average person.

Category, with weights n_v and prior alpha (A its sum, N the sum of n_v):

    p_v = (n_v + alpha_v) / (N + A),     sd_v^2 = p_v (1 - p_v) / (N + A + 1)

Number, with moments n, x, M2 and prior (m_0, kappa_0, a_0, b_0):

    kappa = kappa_0 + n,   m = (kappa_0 m_0 + n x) / kappa,   a = a_0 + n / 2
    b = b_0 + M2 / 2 + kappa_0 n (x - m_0)^2 / (2 kappa)
    spread^2 = b / (a - 1),     sd of the mean^2 = spread^2 / kappa

So a visitor with one click looks almost average, and one with a hundred does not.

Source: Gelman et al. 2013, "Bayesian data analysis", 3rd edition, sections 3.3 and 3.4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from palate.errors import StoreError
from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.prior import CategoryPrior, NumberPrior, Prior
from palate.features.profile.statistics import Moments, Statistics

__all__ = ["CategoryPreference", "NumberPreference", "Preferences", "preferences"]

_NONE = Moments(0.0, 0.0, 0.0)


class CategoryPreference(msgspec.Struct, frozen=True):
    """How likely the next item has each value.

    Attributes:
        probability: Value to p_v; with `rest` they add up to 1.
        deviation: Value to the standard deviation of p_v.
        rest: The probability of values that neither the prior nor the person knows.
        events: N, what the person's events are worth now.
    """

    probability: Mapping[str, float]
    deviation: Mapping[str, float]
    rest: float
    events: float


class NumberPreference(msgspec.Struct, frozen=True):
    """Where on its scale a number of the next item lies.

    Attributes:
        mean: m, on the attribute's scale.
        deviation: Of the mean: how sure that is.
        spread: How far items that the person likes lie from the mean.
        events: n, what the person's events are worth now.
    """

    mean: float
    deviation: float
    spread: float
    events: float


class Preferences(msgspec.Struct, frozen=True):
    """Of one person at one moment.

    Attributes:
        prior: The version of the average person that they were shrunk towards.
        categories: By attribute.
        numbers: By attribute.
    """

    prior: int
    categories: Mapping[str, CategoryPreference]
    numbers: Mapping[str, NumberPreference]


def preferences(
    statistics: Statistics, prior: Prior, now_us: int, definition: ProfileDefinition
) -> Preferences:
    """What is believed of a person at a moment, of every attribute that the prior knows.

    Args:
        statistics: Of the person.
        prior: The average person.
        now_us: Microseconds since 1970 UTC; not before the person's last event.
        definition: Of both.

    Raises:
        StoreError: Statistics or prior are of another definition.
    """
    for found in (statistics.fingerprint, prior.fingerprint):
        if found != definition.fingerprint:
            raise StoreError(
                f"a profile of definition {found} is read under {definition.fingerprint}",
                hint="rebuild the profiles from the log, and learn the prior again",
            )
    factor = statistics.factor(now_us, definition)
    return Preferences(
        prior.version,
        {
            name: _category(statistics.counts.get(name, {}), factor, one)
            for name, one in prior.categories.items()
        },
        {
            name: _number(statistics.moments.get(name, _NONE).times(factor), one)
            for name, one in prior.numbers.items()
        },
    )


def _category(
    counts: Mapping[str, float], factor: float, prior: CategoryPrior
) -> CategoryPreference:
    evidence = {value: weight * factor for value, weight in counts.items()}
    events = math.fsum(evidence.values())
    posterior = dict(prior.alpha)
    for value, weight in evidence.items():
        posterior[value] = posterior.get(value, prior.other) + weight
    whole = math.fsum(posterior.values()) + prior.other
    shares = {value: alpha / whole for value, alpha in posterior.items()}
    return CategoryPreference(
        shares,
        {v: math.sqrt(p * (1.0 - p) / (whole + 1.0)) for v, p in shares.items()},
        prior.other / whole,
        events,
    )


def _number(sample: Moments, prior: NumberPrior) -> NumberPreference:
    strength = prior.strength + sample.n
    mean = prior.mean + (sample.n / strength) * (sample.mean - prior.mean)
    apart = sample.mean - prior.mean
    scale = prior.scale + sample.m2 / 2 + prior.strength * sample.n * apart**2 / (2 * strength)
    variance = scale / (prior.shape + sample.n / 2 - 1.0)
    return NumberPreference(mean, math.sqrt(variance / strength), math.sqrt(variance), sample.n)
