"""Outcome probabilities become one number: what an item is worth to the product.

    score_i = sum_o worth_o P(o | user, i)

An outcome that people dislike has a negative worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from palate.config import Schema
from palate.errors import ConfigError
from palate.types import Float32Array

__all__ = ["fuse", "worth_of"]


def worth_of(worth: Mapping[str, float], schema: Schema, outcomes: Sequence[str]) -> Float32Array:
    """(n_outcomes,) float32: what each outcome is worth.

    Args:
        worth: By event type, as a surface says; empty: the weights of the schema's event types.
        schema: Declares event types.
        outcomes: What the nets give probabilities of.

    Raises:
        ConfigError: The surface values an outcome that the nets know nothing of, or none that
            they know.
    """
    if not worth:
        return np.array([schema.event_type(name).weight for name in outcomes], np.float32)
    strangers = sorted(set(worth) - set(outcomes))
    if strangers:
        raise ConfigError(
            f"worth.{strangers[0]}: the nets give no probability of it",
            hint=f"they know {', '.join(outcomes)}",
        )
    return np.array([worth.get(name, 0.0) for name in outcomes], np.float32)


def fuse(outcomes: Float32Array, worth: Float32Array) -> Float32Array:
    """(n,) float32 of (n, n_outcomes) probabilities; NaN where it is not finite.

    An outcome that is worth nothing is not looked at, so that it cannot spoil the rest.
    """
    if 0.0 in worth.tolist():
        valued = worth != 0.0
        outcomes, worth = outcomes[:, valued], worth[valued]
    if math.isfinite(outcomes.sum()):  # nearly always; then no product is odd
        return outcomes @ worth
    with np.errstate(invalid="ignore", over="ignore"):
        scores = outcomes @ worth
    scores[~np.isfinite(scores)] = np.nan
    return scores
