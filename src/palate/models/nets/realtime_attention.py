"""What UserNet reads of newest items whose vectors stay as they are: by compiled loops.

torch makes a copy of every user's items, and five more of what they weigh; `attend` reads them
where they stand. The numbers are those of `UserNet.pooled`, to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from palate.models.kernels.attention import HEADS, attend, attend_back
from palate.models.kernels.lanes import LANES

__all__ = ["attended"]


def attended(
    table: torch.Tensor,
    rows: torch.Tensor,
    queries: torch.Tensor,
    places: torch.Tensor,
    gates: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, heads, d) weighed means of rows, and (n, d) their sums by gates.

    Args:
        table: (N, d) float32 or bfloat16, which gets no gradient.
        rows: (n, m) int64 rows of the table; below 0 for none.
        queries: (heads, d).
        places: (heads, m).
        gates: (heads, d).
    """
    heads, d = queries.shape
    more, wide = -heads % HEADS, -d % LANES
    pooled, gated = _Attended.apply(  # type: ignore[no-untyped-call]  # torch's own
        table,
        rows,
        functional.pad(queries, (0, wide, 0, more)),
        functional.pad(places, (0, 0, 0, more)).T,
        functional.pad(gates, (0, wide, 0, more)),
    )
    return pooled[:, :heads, :d], gated[:, :d]


class _Attended(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        table: torch.Tensor,
        rows: torch.Tensor,
        queries: torch.Tensor,
        places: torch.Tensor,
        gates: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        (n, m), (H, d) = rows.shape, queries.shape
        weighing = tuple(one.contiguous() for one in (queries, places, gates))
        weights, pooled, gated = torch.empty(n * m, H), torch.empty(n * H, d), torch.empty(n, d)
        fixed = _bits(table), rows.contiguous().numpy()
        attend(*fixed, _numbers(weighing), weights.numpy(), (pooled.numpy(), gated.numpy()))
        ctx.save_for_backward(table, rows, *weighing, weights, pooled)
        return pooled.view(n, H, d), gated

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        table, rows, *weighing, weights, pooled = ctx.saved_tensors
        found = [torch.zeros_like(one) for one in weighing]
        by_pooled, by_gated = (one.to(torch.float32).contiguous() for one in gradients)
        by_pooled = by_pooled.view(pooled.shape).clone()
        kept, given = (weights, pooled), (by_pooled, by_gated)
        fixed = _bits(table), rows.contiguous().numpy()
        attend_back(*fixed, *(_numbers(one) for one in (weighing, kept, given, found)))
        return None, None, *found


def _bits(table: torch.Tensor) -> np.ndarray:
    """A table as the loops read it."""
    if table.dtype is torch.bfloat16:
        return table.contiguous().view(torch.int16).numpy().view(np.uint16)
    return table.contiguous().numpy()


def _numbers(tensors: Any) -> tuple[Any, ...]:
    return tuple(one.detach().numpy() for one in tensors)
