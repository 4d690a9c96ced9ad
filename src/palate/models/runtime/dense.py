"""Dense layers without torch: x W' + b, what follows them, and several in a row.

    layer = Dense.of(weights, bias)      # packed once, when a model is loaded
    layer(x)                             # (..., n_out) float32

A sum runs over the inputs in their order, for one row as for many, so that a row alone is
answered as in a batch to the last bit (`kernels/inner.py`; BLAS promises no such thing). Equal
to `torch.nn.functional.linear` but for the rounding of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from palate.models.kernels.inner import inner_products, panels_of
from palate.types import Float32Array

__all__ = ["Dense", "dense", "mlp", "relu", "sigmoid"]

ROWS = 256  # at once: what lies between two layers stays in the second cache


@dataclass(frozen=True, slots=True)
class Dense:
    """One layer, its weights packed as the compiled loop wants them.

    Attributes:
        panels: What `panels_of` made of the weights.
        bias: (n_out,) float32, or None.
        n_in: Inputs.
        n_out: Outputs.
    """

    panels: Float32Array
    bias: Float32Array | None
    n_in: int
    n_out: int

    @classmethod
    def of(cls, weights: Float32Array, bias: Float32Array | None = None) -> Dense:
        """Pack a layer.

        Args:
            weights: (n_out, n_in), W, as in `torch.nn.Linear.weight`.
            bias: (n_out,).

        Raises:
            ValueError: The shapes do not fit each other.
        """
        if weights.ndim != 2 or (bias is not None and bias.shape != weights.shape[:1]):
            shape = None if bias is None else bias.shape
            raise ValueError(f"weights {weights.shape} and bias {shape} are of no one layer")
        n_out, n_in = weights.shape
        panels = panels_of(np.ascontiguousarray(weights, np.float32))
        return cls(panels, None if bias is None else bias.astype(np.float32), n_in, n_out)

    def __call__(self, x: Float32Array) -> Float32Array:
        """(..., n_in) to (..., n_out) float32, a new array.

        Raises:
            ValueError: The last axis of `x` is not n_in long.
        """
        if x.shape[-1] != self.n_in:
            raise ValueError(f"a layer of {self.n_in} inputs is given {x.shape[-1]}")
        n = int(np.prod(x.shape[:-1]))
        out = np.empty((n, self.n_out), np.float32)
        inner_products(np.ascontiguousarray(x.reshape(n, self.n_in), np.float32), self.panels, out)
        if self.bias is not None:
            out += self.bias
        return out.reshape((*x.shape[:-1], self.n_out))


def dense(x: Float32Array, weights: Float32Array, bias: Float32Array | None = None) -> Float32Array:
    """A layer used once: x W' + b. `Dense.of` packs the weights of one that is used often.

    Args:
        x: (..., n_in).
        weights: (n_out, n_in).
        bias: (n_out,).

    Returns:
        (..., n_out) float32.
    """
    return Dense.of(weights, bias)(x)


def mlp(x: Float32Array, layers: Sequence[Dense]) -> Float32Array:
    """Layers in a row with max(0, .) between them, and none after the last.

    Args:
        x: (n, n_in) float32.
        layers: One or more.

    Returns:
        (n, n_out of the last) float32.
    """
    out = np.empty((len(x), layers[-1].n_out), np.float32)
    for start in range(0, len(x), ROWS):
        part = x[start : start + ROWS]
        for layer in layers[:-1]:
            part = layer(part)
            np.maximum(part, 0, out=part)
        out[start : start + ROWS] = layers[-1](part)
    return out


def relu(x: Float32Array) -> Float32Array:
    """max(0, x), a new array."""
    return np.asarray(np.maximum(x, np.float32(0)), np.float32)


def sigmoid(x: Float32Array) -> Float32Array:
    """1 / (1 + exp(-x)) without overflow, a new array."""
    return np.asarray(expit(x), np.float32)
