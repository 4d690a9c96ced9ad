"""The average person: what is believed of somebody before they did anything."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from palate.errors import ConfigError

__all__ = ["CategoryPrior", "NumberPrior", "Prior"]


class CategoryPrior(msgspec.Struct, frozen=True):
    """A Dirichlet distribution over the values of an attribute.

    Attributes:
        alpha: Value to alpha_v > 0; their sum is how many events the prior is worth.
        other: alpha of each value that nobody had when it was learned.
    """

    alpha: Mapping[str, float]
    other: float

    def __post_init__(self) -> None:
        if not self.other > 0 or not all(a > 0 for a in self.alpha.values()):
            raise ConfigError("every alpha of a Dirichlet prior is above 0")


class NumberPrior(msgspec.Struct, frozen=True):
    """A Normal-inverse-gamma distribution over mean and variance of a number on its scale.

    Attributes:
        mean: m_0, where people's means are centred.
        strength: kappa_0 > 0, how many events the prior of the mean is worth.
        shape: a_0 > 1 of the variance, so that it has a mean.
        scale: b_0 > 0 of the variance.
    """

    mean: float
    strength: float
    shape: float
    scale: float

    def __post_init__(self) -> None:
        if not (self.strength > 0 and self.shape > 1 and self.scale > 0):
            raise ConfigError("a Normal-inverse-gamma prior has kappa > 0, a > 1 and b > 0")


class Prior(msgspec.Struct, frozen=True):
    """Of all attributes of one definition; learned anew now and then, and applied when read.

    Attributes:
        fingerprint: Of the definition.
        version: Rises with each that is learned.
        categories: By attribute.
        numbers: By attribute.
    """

    fingerprint: str
    version: int
    categories: Mapping[str, CategoryPrior] = {}
    numbers: Mapping[str, NumberPrior] = {}
