"""Factors turned to their principal axes, where their Gram matrix is a diagonal."""

from __future__ import annotations

import numpy as np

from palate.models.kernels.axes import gram, rotate_to_axes
from palate.models.kernels.inner import inner_products, panels_of
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array

__all__ = ["gram_of", "principal_axes", "turned", "whole"]

ROWS = 4096  # that a thread takes at once


def gram_of(factors: Float32Array) -> Float32Array:
    """(f, f) float32 F'F of factors (n, f), f a multiple of 16; only its upper triangle counts."""
    n, f = factors.shape
    parts: dict[int, Float32Array] = {}

    def part(start: int, stop: int) -> None:
        parts[start] = np.empty((f, f), np.float32)
        gram(factors[start:stop], parts[start])

    in_parts(part, n, ROWS, threads=thread_count())
    total = np.zeros((f, f), np.float32)
    for start in sorted(parts):  # in an order that does not depend on the threads
        total += parts[start]
    return total


def whole(upper: Float32Array) -> Float32Array:
    """The symmetric matrix of which only the upper triangle is known."""
    return np.triu(upper) + np.triu(upper, 1).T


def principal_axes(gram: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Axes (f, f) float32, a row each, and the diagonal (f,) that the Gram matrix has there."""
    axes, lengths = np.empty_like(gram), np.empty(len(gram), np.float32)
    rotate_to_axes(gram.copy(), axes, lengths)
    return axes, lengths


def turned(factors: Float32Array, axes: Float32Array) -> Float32Array:
    """(n, f) float32 the factors in the coordinates of the axes."""
    out = np.empty_like(factors)
    panels = panels_of(axes)

    def part(start: int, stop: int) -> None:
        inner_products(factors[start:stop], panels, out[start:stop])

    in_parts(part, len(factors), ROWS, threads=thread_count())
    return out
