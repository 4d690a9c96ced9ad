"""Layer normalisation in numpy: each vector centred, scaled to deviation 1, then stretched."""

from __future__ import annotations

import numpy as np

from palate.types import Float32Array

__all__ = ["layer_norm"]

EPSILON = 1e-5  # torch's, added to the variance


def layer_norm(x: Float32Array, gain: Float32Array, bias: Float32Array) -> Float32Array:
    """(x - mean) / sqrt(variance + 1e-5) * gain + bias over the last axis.

    Args:
        x: (..., d) float32.
        gain: (d,) float32.
        bias: (d,) float32.

    Returns:
        (..., d) float32, a new array.

    Source: Ba, Kiros and Hinton 2016, "Layer normalization", section 3.
    """
    centred: Float32Array = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...d,...d->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    centred /= np.sqrt(variance + np.float32(EPSILON))
    centred *= gain
    centred += bias
    return centred
