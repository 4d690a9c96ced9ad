"""The sizes that a deep click model's net is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from palate.features.columns import Encoded
from palate.types import BoolArray

__all__ = ["Shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a net must know of the rows that it will learn from.

    Attributes:
        n_features: Rows of the shared table.
        n_fields: f.
        n_numbers: d, columns of the dense block.
        seen: (n_features,) whether some row to learn from has an entry there.
        bias: Where the answer starts: the log odds of the labels' mean, 0 for ratings.
    """

    n_features: int
    n_fields: int
    n_numbers: int
    seen: BoolArray
    bias: float

    @classmethod
    def of(cls, rows: Encoded, bias: float) -> Self:
        """Measure `rows`."""
        seen = np.bincount(rows.indices, minlength=rows.n_features) > 0
        return cls(rows.n_features, rows.n_fields, rows.numbers.shape[1], seen, bias)
