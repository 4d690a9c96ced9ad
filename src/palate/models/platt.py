"""Probabilities that mean what they say: a line through a net's logits, fitted on held rows.

    p = 1 / (1 + exp(-(a y + b)))

A net that is stopped where it orders rows best is often too sure of itself; a and b put that
right and change no order.

Source: Platt 1999, "Probabilistic outputs for support vector machines", section 2, with the
targets of its equation 3 (so that a and b are finite where the classes are separate) and
Newton's method of Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs", Machine
Learning 68, algorithm 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit, logit

from palate.types import Float32Array, Float64Array

__all__ = ["AS_IT_IS", "platt"]

AS_IT_IS: Final = (1.0, 0.0)
STEPS: Final = 100
SETTLED: Final = 1e-9
LEAST: Final = 0.01
RIDGE: Final = 1e-12  # so that equal logits have a solution


def platt(logits: Float64Array, labels: Float32Array) -> tuple[float, float]:
    """Slope a and intercept b that make the labels most likely.

    Args:
        logits: (n,) y.
        labels: (n,) 0 or 1.

    Returns:
        (a, b), a at least 0.01, so that the order stays where the logits order these rows no
        better than chance; (1, 0) where a class is absent: there is nothing to learn from.
    """
    clicks = float(labels.sum())
    others = len(labels) - clicks
    if clicks == 0 or others == 0:
        return AS_IT_IS
    target = np.where(labels == 1, (clicks + 1) / (clicks + 2), 1 / (others + 2))
    point = np.array(AS_IT_IS)
    loss = _loss(point, logits, target)
    for _ in range(STEPS):
        p = expit(point[0] * logits + point[1])
        error, spread = p - target, p * (1 - p)
        gradient = np.array([error @ logits, error.sum()])
        if np.abs(gradient).max() < SETTLED * len(labels):
            break
        cross = spread @ logits
        curve = np.array([[spread @ np.square(logits), cross], [cross, spread.sum()]])
        step = np.linalg.solve(curve + RIDGE * len(labels) * np.eye(2), gradient)
        length = 1.0
        while (found := _loss(point - length * step, logits, target)) > loss and length > SETTLED:
            length /= 2
        if length <= SETTLED:
            break
        point, loss = point - length * step, found
    slope, intercept = float(point[0]), float(point[1])
    if slope >= LEAST:
        return slope, intercept
    rest = LEAST * float(logits.mean())  # next to nothing: everybody has about the same chance
    return LEAST, float(logit(target.mean())) - rest


def _loss(point: Float64Array, logits: Float64Array, target: Float64Array) -> float:
    y = point[0] * logits + point[1]
    return float((np.logaddexp(0.0, y) - target * y).sum())
