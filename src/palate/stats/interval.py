"""An estimate with the interval around it, and the interval of a proportion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from palate.errors import DataError

__all__ = ["Interval", "check_level", "wilson"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the confidence interval around it.

    Attributes:
        estimate: The value on all data.
        low: Lower end.
        high: Upper end.
        level: Nominal coverage, between 0 and 1: 0.95 means 95 %.

    >>> print(Interval(0.3938, 0.3831, 0.4042, 0.95))
    0.3938 [0.3831, 0.4042]
    >>> Interval(0.02, 0.01, 0.03, 0.95).excludes(0.0)
    True
    """

    estimate: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        return f"{self.estimate:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside; False when an end is NaN."""
        return self.low > value or self.high < value


def check_level(level: float) -> None:
    """Refuse a level that is no probability.

    Raises:
        DataError: It is not strictly between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise DataError(f"the level is {level}; it lies between 0 and 1", hint="0.95 is usual")


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """The Wilson score interval of a proportion; good for small n and for 0 or n successes.

    With p = successes / n and z the normal quantile at (1 + level) / 2, the interval is

        (p + z^2 / 2n  +-  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    The estimate is p itself, not the centre of the interval.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical
    inference, JASA 22; recommended by Brown, Cai and DasGupta (2001), Statistical Science 16.

    >>> print(wilson(8, 10))
    0.8000 [0.4902, 0.9433]

    Args:
        successes: From 0 to n.
        n: At least 1.
        level: Nominal coverage.

    Raises:
        DataError: n is below 1, or successes are not within 0 and n.
    """
    check_level(level)
    if n < 1 or not 0 <= successes <= n:
        raise DataError(f"{successes} successes in {n} trials make no proportion")
    p = successes / n
    z = float(ndtri((1.0 + level) / 2.0))
    spread = z * math.sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n))
    centre = p + z * z / (2.0 * n)
    scale = 1.0 + z * z / n
    # The ends are exact at 0 and n, where rounding would leave them a hair off.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return Interval(p, low, high, level)
