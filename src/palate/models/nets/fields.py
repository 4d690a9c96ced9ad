"""Typed columns as embeddings in torch: one table that all fields share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from palate.models.click_shape import Shape
from palate.train.batches import Batch

__all__ = ["Fields", "Looked", "entries_of", "weighed"]


class Looked(NamedTuple):
    """What n rows are to a net; in numpy `models/runtime/embedding.py`.

    Attributes:
        vectors: (n, f, k) embeddings.
        weights: (n,) sum of the first-order weights, 0 where there are none.
        flat: (n, f * k + d) embeddings side by side, then the numbers.
        penalty: Half the sum of the table's squares.
    """

    vectors: torch.Tensor
    weights: torch.Tensor
    flat: torch.Tensor
    penalty: torch.Tensor


class Fields(nn.Module):
    """The table and its look-up.

    Embeddings start normal around 0, first-order weights at 0. Rows of values that training
    never shows are 0 and stay so: they add nothing, and no chance start is taken for learned.

    Args:
        shape: Of the rows.
        k: Width of an embedding.
        sigma: Deviation of the first embeddings.
        linear: There are first-order weights.
        numbers: The numbers join `flat`.
    """

    def __init__(self, shape: Shape, k: int, sigma: float, *, linear: bool, numbers: bool) -> None:
        super().__init__()
        seen = torch.from_numpy(shape.seen)
        self.table = nn.Parameter(torch.randn(shape.n_features, k) * sigma * seen[:, None])
        # A tensor of its own: to slice it off the table would copy all that was looked up.
        self.weights = nn.Parameter(torch.zeros(shape.n_features, 1)) if linear else None
        self.n_fields = shape.n_fields
        self.numbers = numbers and shape.n_numbers > 0
        self.width = shape.n_fields * k + (shape.n_numbers if self.numbers else 0)

    def forward(self, batch: Batch) -> Looked:
        """Look the rows of a batch up; see `click_rows.ClickRows` for its parts."""
        entries = entries_of(batch)[0]
        flat = weighed(self.table, entries).view(len(batch[0]), self.n_fields * self.table.shape[1])
        vectors = flat.view(len(flat), self.n_fields, self.table.shape[1])
        penalty = self.table.square().sum() / 2
        if self.weights is None:
            weights = flat.new_zeros(len(flat))
        else:
            weights = weighed(self.weights, entries).view(len(flat), -1).sum(dim=1)
            penalty = penalty + self.weights.square().sum() / 2
        if self.numbers:
            flat = torch.cat((flat, batch[1]), dim=1)
        return Looked(vectors, weights, flat, penalty)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved: one table, first-order weights before the embeddings."""
        parts = (self.table,) if self.weights is None else (self.weights, self.table)
        return {"table": torch.cat(parts, dim=1).detach().numpy().copy()}


def entries_of(batch: Batch) -> list[Batch]:
    """The entries that a batch of `ClickRows` holds, those of further rows after the first."""
    found, rest = [], batch[2:]
    while rest:
        size = 1 if rest[0].ndim == 2 else 3
        found.append(rest[:size])
        rest = rest[size:]
    return found


def weighed(table: torch.Tensor, entries: Batch) -> torch.Tensor:
    """Rows of the table, weighted and added up for each field of each row.

    Args:
        table: (n_features, width).
        entries: (n, f) indices alone, or indices, weights and starts.

    Returns:
        (n, f, width), or (n * f, width).
    """
    if len(entries) == 1:
        return functional.embedding(entries[0], table)
    indices, weights, starts = entries
    return functional.embedding_bag(indices, table, starts, mode="sum", per_sample_weights=weights)
