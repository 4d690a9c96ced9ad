"""Dense layers by the names that trained ones are saved under."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from palate.models.runtime.dense import Dense

__all__ = ["layer_of", "layers_of"]


def layer_of(arrays: Mapping[str, np.ndarray], name: str) -> Dense:
    """`NAME.weight` (n_out, n_in) and, where there is one, `NAME.bias` (n_out,).

    Raises:
        KeyError: There is no such weight.
        ValueError: The two do not fit.
    """
    return Dense.of(arrays[f"{name}.weight"], arrays.get(f"{name}.bias"))


def layers_of(arrays: Mapping[str, np.ndarray], name: str) -> list[Dense]:
    """`NAME.0`, `NAME.1` and so on, as many as there are."""
    found: list[Dense] = []
    while f"{name}.{len(found)}.weight" in arrays:
        found.append(layer_of(arrays, f"{name}.{len(found)}"))
    return found
