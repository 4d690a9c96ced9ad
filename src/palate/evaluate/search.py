"""Where a search looks next: at random first, then about the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from palate.models.config import Choice, Dimension, Range

__all__ = ["near", "propose"]

SPREAD = 0.15  # standard deviation of a step, as a part of the (logarithmic) range
KEEP = 0.6  # chance that a choice stays as it is
ELSEWHERE = 0.25  # chance of a random draw even when a good place is known


def propose(
    space: Mapping[str, Dimension], best: Mapping[str, Any] | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Values for all dimensions: near `best` mostly, anywhere without one.

    Random search finds the few dimensions that matter (Bergstra and Bengio 2012, JMLR 13);
    steps about the best then settle them.
    """
    if best is None or rng.random() < ELSEWHERE:
        return {name: dimension.sample(rng) for name, dimension in space.items()}
    return {name: near(dimension, best.get(name), rng) for name, dimension in space.items()}


def near(dimension: Dimension, value: Any, rng: np.random.Generator) -> Any:
    """A value of `dimension` close to `value`; anywhere in it where `value` lies outside."""
    if isinstance(dimension, Choice):
        return value if value in dimension.values and rng.random() < KEEP else dimension.sample(rng)
    if not isinstance(value, int | float) or not dimension.low <= value <= dimension.high:
        return dimension.sample(rng)
    return _step(dimension, value, rng)


def _step(dimension: Range, value: float, rng: np.random.Generator) -> float | int:
    if dimension.log:
        width = math.log(dimension.high) - math.log(dimension.low)
        moved = math.exp(math.log(value) + rng.normal(0.0, SPREAD * width))
    else:
        moved = value + rng.normal(0.0, SPREAD * (dimension.high - dimension.low))
    moved = min(max(moved, dimension.low), dimension.high)
    return round(moved) if dimension.integer else moved
