"""Cross layers without torch: x0 * (W x + b) + x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from palate.models.runtime.dense import ROWS, Dense
from palate.models.runtime.tower import layer_of
from palate.types import Float32Array

__all__ = ["Cross", "cross_layers", "crossed"]

Cross = tuple[Dense, ...]  # W x + b in one layer, or V' x and then U (.) + b


def cross_layers(arrays: Mapping[str, np.ndarray]) -> list[Cross]:
    """`cross.0.weight` and so on, with `cross.0.down.weight` before it where there is a rank."""
    found: list[Cross] = []
    while f"cross.{len(found)}.weight" in arrays:
        name = f"cross.{len(found)}"
        whole = layer_of(arrays, name)
        down = f"{name}.down"
        found.append((layer_of(arrays, down), whole) if f"{down}.weight" in arrays else (whole,))
    return found


def crossed(x: Float32Array, layers: Sequence[Cross]) -> Float32Array:
    """Wang et al. 2021, equation 1, layer by layer: (n, d) to (n, d) float32, a new array."""
    out = np.empty_like(x)
    for start in range(0, len(x), ROWS):
        first = x[start : start + ROWS]
        now = first
        for layer in layers:
            product = now
            for step in layer:
                product = step(product)
            product *= first
            product += now
            now = product
        out[start : start + ROWS] = now
    return out
