"""Weighted sums of a table's rows, whose gradient names each row once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from palate.models.kernels.bags import bag_gradient

__all__ = ["Bag"]


class Bag(nn.EmbeddingBag):
    """`nn.EmbeddingBag` of mode sum with weights, on the CPU, for bags of many slots.

    torch's own sparse gradient has a row for every slot of every bag: with sixteen slots of 128
    numbers it writes and reads sixteen times as much as the sums themselves. This one adds
    them up as it goes.

    Args:
        rows: Of the table.
        width: Of a row.
    """

    def __init__(self, rows: int, width: int) -> None:
        super().__init__(rows, width, mode="sum", sparse=True)
        self._place = np.full(rows, -1, np.int32)

    def forward(  # type: ignore[override]  # of torch's arguments only these
        self, slots: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """(n, width) sums.

        Args:
            slots: (n, L) int64 rows of the table.
            weights: (n, L) float32, without gradient; 0 for an empty slot.
        """
        sums: torch.Tensor = _Sums.apply(  # type: ignore[no-untyped-call]  # torch's own
            self.weight, slots, weights, self._place
        )
        return sums


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        table: torch.Tensor,
        slots: torch.Tensor,
        weights: torch.Tensor,
        place: np.ndarray,
    ) -> torch.Tensor:
        ctx.save_for_backward(slots, weights)
        ctx.place, ctx.shape = place, table.shape
        return functional.embedding_bag(slots, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        slots, weights = (one.contiguous().numpy() for one in ctx.saved_tensors)
        distinct = np.empty(slots.size, np.int64)
        given = gradients[0].float().contiguous().numpy()
        sums = bag_gradient(slots, weights, given, ctx.place, distinct)
        rows = torch.from_numpy(distinct[None, : len(sums)])
        by_table = torch.sparse_coo_tensor(
            rows, torch.from_numpy(sums), ctx.shape, check_invariants=False
        )
        return by_table, None, None, None
