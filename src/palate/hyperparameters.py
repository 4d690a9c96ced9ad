"""Hyperparameters: a frozen pydantic config, and the space that `tune` searches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict

__all__ = ["Choice", "Dimension", "ModelConfig", "Range"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def sample(self, rng: np.random.Generator) -> Any:
        """A value, all equally likely."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True, slots=True)
class Range:
    """A number from `low` to `high`, both included; `log` draws its logarithm uniformly."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def sample(self, rng: np.random.Generator) -> float | int:
        """A number in the range."""
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = float(rng.uniform(self.low, self.high))
        value = min(max(value, self.low), self.high)
        return round(value) if self.integer else value


Dimension: TypeAlias = Choice | Range


class ModelConfig(BaseModel):
    """Base of every model's config: frozen, and an unknown name is an error.

    A subclass documents each field where it is declared (unit, range, the paper's symbol)
    and sets `space`, the dimensions that `palate tune` searches.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    space: ClassVar[dict[str, Dimension]] = {}
