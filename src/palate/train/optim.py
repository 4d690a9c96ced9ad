"""Optimisers: Adam for dense weights, and lazily, row by row, for large embedding tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from palate.errors import ConfigError
from palate.train.kernels.adam import adam_rows, sum_rows
from palate.train.settings import TrainConfig
from palate.types import Float32Array, Int32Array

__all__ = ["LazyAdam", "adam"]


def adam(net: nn.Module, config: TrainConfig) -> Optimizer:
    """What the loop takes when it is given none.

    Adam, or AdamW where the config has a weight decay, fused: one pass over memory a step.
    A net with `nn.Embedding(..., sparse=True)` gets `LazyAdam`.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", ICLR, algorithm 1;
    Loshchilov and Hutter 2019, "Decoupled weight decay regularization", ICLR, algorithm 2.
    """
    weights = [one for one in net.parameters() if one.requires_grad]
    tables = (one for one in net.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag))
    if any(table.sparse for table in tables):
        return LazyAdam(weights, lr=config.learning_rate, weight_decay=config.weight_decay)
    made = torch.optim.AdamW if config.weight_decay > 0 else torch.optim.Adam
    return made(weights, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


class LazyAdam(torch.optim.AdamW):
    """AdamW that touches, of a table with sparse gradients, only the rows of the batch.

    A dense step reads and writes the whole table and its moments however few rows a batch
    has; this costs by the rows of the batch. Where every row is in every batch it equals
    AdamW. Where not, it differs: a row that is absent stands still, while Adam would go on
    moving it by its momentum and fade its moments; rare rows keep old moments for longer.
    Weight decay, too, is applied when a row is met. Corrections of the moments' start count all
    steps, as in `torch.optim.SparseAdam`.

    Args:
        weights: Float32, on the CPU; those with sparse gradients of two dimensions.
        lr: The rate, alpha.
        betas: beta_1 and beta_2.
        eps: epsilon.
        weight_decay: Decoupled; 0 is Adam.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            weights, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
        )
        self._places: dict[int, Int32Array] = {}  # by table, all -1 between steps

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move all weights that have a gradient.

        Raises:
            ConfigError: A closure is given; Adam asks for the loss once.
        """
        if closure is not None:
            raise ConfigError("LazyAdam takes no closure", hint="call backward before step")
        sparse: list[tuple[nn.Parameter, torch.Tensor]] = []
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None and table.grad.is_sparse:
                    self._move(table, table.grad, group)
                    sparse.append((table, table.grad))
                    table.grad = None  # hidden from the dense step
        super().step()
        for table, gradient in sparse:
            table.grad = gradient
        return None

    def _move(self, table: nn.Parameter, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        """One step of the rows that `gradient` names."""
        state = self.state[table]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(table)
            state["exp_avg_sq"] = torch.zeros_like(table)
        state["step"] += 1
        steps, (beta_1, beta_2) = int(state["step"].item()), group["betas"]
        rows, sums = self._summed(table, gradient)
        tables = tuple(
            one.detach().numpy() for one in (table, state["exp_avg"], state["exp_avg_sq"])
        )
        scales = (
            np.float32(group["lr"] / (1 - beta_1**steps)),
            np.float32((1 - beta_2**steps) ** -0.5),
            np.float32(1 - group["lr"] * group["weight_decay"]),
        )
        betas = (np.float32(beta_1), np.float32(beta_2))
        adam_rows(rows, sums, tables, betas, np.float32(group["eps"]), scales)

    def _summed(
        self, table: nn.Parameter, gradient: torch.Tensor
    ) -> tuple[np.ndarray, Float32Array]:
        """Distinct rows, and the sum of each one's gradients."""
        rows = np.ascontiguousarray(gradient._indices()[0].numpy())
        each = np.ascontiguousarray(gradient._values().numpy())
        if gradient.is_coalesced():
            return rows, each
        place = self._places.setdefault(id(table), np.full(len(table), -1, np.int32))
        distinct, sums = np.empty(len(rows), np.int64), np.empty(each.shape, np.float32)
        found = sum_rows(rows, each, place, distinct, sums)
        return distinct[:found], sums[:found]
