"""A number's preference in the units of the attribute, for people to read."""

from __future__ import annotations

import math

import msgspec

from palate.config import Attribute
from palate.features.profile.preference import NumberPreference

__all__ = ["NumberInUnits", "in_units"]

_LARGEST = 700.0  # its exponential is still a float


class NumberInUnits(msgspec.Struct, frozen=True):
    """Where a number of the next item lies.

    Attributes:
        mean: On a logarithmic scale the value in the middle, which is below the average.
        deviation: Of the mean: half of the interval of one standard deviation on either side.
        spread: The same of items that the person likes, around the mean.
    """

    mean: float
    deviation: float
    spread: float


def in_units(preference: NumberPreference, attribute: Attribute) -> NumberInUnits:
    """A preference as it is on the attribute's scale, turned back to its units.

    Args:
        preference: On the scale.
        attribute: Says which scale.
    """
    if attribute.scale == "linear":
        return NumberInUnits(preference.mean, preference.deviation, preference.spread)

    def around(apart: float) -> float:
        return (_back(preference.mean + apart) - _back(preference.mean - apart)) / 2

    return NumberInUnits(
        _back(preference.mean), around(preference.deviation), around(preference.spread)
    )


def _back(scaled: float) -> float:
    """From x to the number whose sign(v) ln(1 + |v|) it is."""
    return math.copysign(math.expm1(min(abs(scaled), _LARGEST)), scaled)
