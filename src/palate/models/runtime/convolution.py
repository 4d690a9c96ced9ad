"""Convolution over the places of a title and the largest answer of each filter, without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from palate.models.runtime.dense import Dense
from palate.types import Float32Array

__all__ = ["convolution_layer", "convolve_max"]


def convolution_layer(weight: Float32Array, bias: Float32Array) -> tuple[Dense, int]:
    """A layer for `convolve_max`, and the places that its filters span.

    Args:
        weight: (filters, channels, span), as in `torch.nn.Conv1d.weight`.
        bias: (filters,).
    """
    filters, channels, span = weight.shape
    flat = weight.transpose(0, 2, 1).reshape(filters, span * channels)
    return Dense.of(np.ascontiguousarray(flat), bias), span


def convolve_max(x: Float32Array, layers: Sequence[tuple[Dense, int]]) -> Float32Array:
    """Max over places of max(0, filter . window), for every filter of every layer.

    Args:
        x: (n, length, channels) float32.
        layers: Of `convolution_layer`, each spanning at most `length` places.

    Returns:
        (n, filters of all layers) float32, layers in order.

    Source: Kim 2014, "Convolutional neural networks for sentence classification", EMNLP,
    section 2.
    """
    n, length, channels = x.shape
    parts = []
    for layer, span in layers:
        windows = sliding_window_view(x, span, axis=1).swapaxes(2, 3)
        flat = windows.reshape(n * (length - span + 1), span * channels)
        answers = layer(flat).reshape(n, length - span + 1, layer.n_out)
        parts.append(np.maximum(answers.max(axis=1), 0))
    return np.concatenate(parts, axis=1)
