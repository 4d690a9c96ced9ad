r"""What is kept of one person: decayed sufficient statistics, in constant time an event.

    n_v(T) = sum_e w_e 2^(-(T - t_e) / h)          for each value v of a category
    n, mean, M2                                    of a number, each event weighing as much

Weights are kept relative to one moment, the unit, so a later event is added with a greater
weight instead of everything else being scaled down; order does not matter, so late events and
the statistics of a visitor who turns out to be somebody are simply added. Reading scales to now.

Sources: Cormode, Shkapenyuk, Srivastava and Xu 2009, "Forward decay: a practical time decay
model for streaming systems", ICDE, section III (weights relative to a landmark); Chan, Golub
and LeVeque 1983, "Algorithms for computing the sample variance", The American Statistician
37(3), equation 2.1b (adding means and squared deviations).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from palate.errors import StoreError
from palate.features.profile.definition import Evidence, ProfileDefinition

__all__ = ["Moments", "Statistics"]

_MOST_HALVINGS: Final = 64.0  # between unit and a later event before all is scaled to that event


class Moments(NamedTuple):
    """Weighted moments of a number on its scale: count, mean, sum of squared deviations."""

    n: float
    mean: float
    m2: float

    def plus(self, other: Moments) -> Moments:
        """The moments of both samples together."""
        n = self.n + other.n
        if n == 0.0:
            return self
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.n / n)
        return Moments(n, mean, self.m2 + other.m2 + apart * apart * self.n * (other.n / n))

    def times(self, factor: float) -> Moments:
        """The same sample, every weight multiplied."""
        return Moments(self.n * factor, self.mean, self.m2 * factor)


class Statistics(msgspec.Struct, array_like=True):
    """Of one person, under one definition.

    Attributes:
        fingerprint: Of the definition.
        unit_us: The moment whose weight is 1, microseconds since 1970 UTC; 0 while empty.
        counts: Attribute to value to weight, in units of that moment.
        moments: Attribute to moments, in units of that moment.
    """

    fingerprint: str
    unit_us: int = 0
    counts: dict[str, dict[str, float]] = {}
    moments: dict[str, Moments] = {}

    @classmethod
    def empty(cls, definition: ProfileDefinition) -> Statistics:
        """Of somebody who did nothing yet."""
        return cls(definition.fingerprint)

    def observe(
        self, evidence: Evidence, weight: float, at_us: int, definition: ProfileDefinition
    ) -> None:
        """Take in one event.

        Args:
            evidence: What its item says.
            weight: What it is worth; nothing is changed by 0.
            at_us: When it happened, microseconds since 1970 UTC.
            definition: Of these statistics.

        Raises:
            StoreError: These are statistics of another definition.
        """
        self.check(definition.fingerprint)
        if weight <= 0.0 or not (evidence.values or evidence.numbers):
            return
        share = weight * self._factor_at(at_us, definition.half_life_us)
        for name, values in evidence.values.items():
            counts = self.counts.setdefault(name, {})
            for value in values:
                counts[value] = counts.get(value, 0.0) + share / len(values)
        for name, number in evidence.numbers.items():
            before = self.moments.get(name, Moments(0.0, 0.0, 0.0))
            self.moments[name] = before.plus(Moments(share, number, 0.0))

    def add(self, other: Statistics, definition: ProfileDefinition) -> None:
        """Take in all that another knows, such as a visitor who turned out to be this person.

        Raises:
            StoreError: One of them is of another definition.
        """
        self.check(definition.fingerprint)
        other.check(definition.fingerprint)
        if not other.counts and not other.moments:
            return
        factor = self._factor_at(other.unit_us, definition.half_life_us)
        for name, theirs in other.counts.items():
            counts = self.counts.setdefault(name, {})
            for value, weight in theirs.items():
                counts[value] = counts.get(value, 0.0) + weight * factor
        for name, moments in other.moments.items():
            before = self.moments.get(name, Moments(0.0, 0.0, 0.0))
            self.moments[name] = before.plus(moments.times(factor))

    def factor(self, now_us: int, definition: ProfileDefinition) -> float:
        """What a weight as it is kept is worth at `now_us`: at most 1 for what lies behind."""
        halvings = (now_us - self.unit_us) / definition.half_life_us
        return math.exp2(-max(halvings, -_MOST_HALVINGS))  # a clock may be wrong by decades

    def _factor_at(self, at_us: int, half_life_us: float) -> float:
        """The weight of an event of that moment in our unit, which may be moved."""
        if not self.counts and not self.moments:
            self.unit_us = at_us
            return 1.0
        halvings = (at_us - self.unit_us) / half_life_us
        if halvings > _MOST_HALVINGS:
            self._scale(math.exp2(-halvings))
            self.unit_us = at_us
            return 1.0
        return math.exp2(halvings)  # 0 for what is older than a float can say

    def _scale(self, factor: float) -> None:
        for counts in self.counts.values():
            for value in counts:
                counts[value] *= factor
        for name, moments in self.moments.items():
            self.moments[name] = moments.times(factor)

    def check(self, fingerprint: str) -> None:
        """Refuse another definition than the one with this fingerprint.

        Raises:
            StoreError: These are statistics of another definition.
        """
        if self.fingerprint != fingerprint:
            raise StoreError(
                f"these statistics were kept under definition {self.fingerprint}, "
                f"not {fingerprint}",
                hint="rebuild the profiles from the log",
            )
