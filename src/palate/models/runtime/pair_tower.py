"""A tower of dense layers over all pairs of users and items, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from palate.models.kernels.inner import panels_of
from palate.models.kernels.towers import tower_scores
from palate.types import Float32Array, Int64Array

__all__ = ["PairTower"]


@dataclass(frozen=True, slots=True)
class PairTower:
    """last . a(W_L(.. a(W_1 a(user + item) + b_1) ..) + b_L), a = max(0, .).

    Attributes:
        panels: The items' side, packed.
        weights: (L, m, k) float32, a layer each, zeros around it.
        biases: (L, m) float32.
        widths: (L + 1,) int64.
        last: (1, widths[L]) float32.
    """

    panels: Float32Array
    weights: Float32Array
    biases: Float32Array
    widths: Int64Array
    last: Float32Array

    @classmethod
    def of(
        cls,
        items: Float32Array,
        layers: Sequence[tuple[Float32Array, Float32Array]],
        last: Float32Array,
    ) -> Self:
        """Pack a tower.

        Args:
            items: (n_items, width) what an item adds to the first layer.
            layers: W (n_out, n_in) and b (n_out,) of each further one.
            last: (1, n_out of the last).

        Raises:
            ValueError: The layers do not fit each other.
        """
        widths = [items.shape[1], *(len(w) for w, _ in layers)]
        inputs = [*(w.shape[1] for w, _ in layers), last.shape[1]]
        if widths != inputs or len(last) != 1 or any(len(w) != len(b) for w, b in layers):
            raise ValueError(f"layers of {widths} outputs are followed by {inputs} inputs")
        m = -(-max(widths) // 4) * 4
        weights = np.zeros((len(layers), m, max(widths)), np.float32)
        biases = np.zeros((len(layers), m), np.float32)
        for at, (w, b) in enumerate(layers):
            weights[at, : w.shape[0], : w.shape[1]], biases[at, : len(b)] = w, b
        return cls(
            panels_of(np.ascontiguousarray(items, np.float32)),
            weights,
            biases,
            np.array(widths, np.int64),
            np.ascontiguousarray(last, np.float32),
        )

    def add_to(self, out: Float32Array, users: Float32Array) -> None:
        """Add what the tower gives for each pair.

        Args:
            out: (n, n_items).
            users: (n, width) what a user adds to the first layer, with its bias.
        """
        tower_scores(
            np.ascontiguousarray(users, np.float32),
            self.panels,
            self.weights,
            self.biases,
            self.widths,
            self.last,
            out,
        )
