"""Gradients of tables with sparse ones, averaged over the processes that train together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import nn

from palate.train.world import World

__all__ = ["average_sparse", "sparse_tables"]


def sparse_tables(net: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of embeddings made with `sparse=True`, by their names in the net."""
    tables = {
        f"{name}." if name else "": module
        for name, module in net.named_modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse
    }
    return {
        before + name: weight
        for before, table in tables.items()
        for name, weight in table.named_parameters()
        if weight.requires_grad
    }


def average_sparse(tables: Sequence[nn.Parameter], world: World) -> None:
    """Give every table the mean of all processes' gradients; every process must call it.

    Rows and their gradients are gathered in the order of the processes, so all get the same
    bits. `DistributedDataParallel` is not asked for this: gloo's reduction of sparse tensors
    (torch 2.13) now and then writes to memory that was freed.

    Args:
        tables: (rows, width) each, the same ones in the same order in all processes, with a
            sparse gradient or none. A table that no process has a gradient of keeps none.
        world: The processes.
    """
    own = [_rows(table) for table in tables]
    counts = _gathered(torch.tensor([len(rows) for rows, _ in own], dtype=torch.int64), world)
    for at, (table, (rows, values)) in enumerate(zip(tables, own, strict=True)):
        of_each = [int(count[at]) for count in counts]
        most = max(of_each)
        if most == 0:
            continue
        every = _gathered(_padded(rows, most), world)
        moved = _gathered(_padded(values, most), world)
        where = torch.cat([one[:count] for one, count in zip(every, of_each, strict=True)])
        what = torch.cat([one[:count] for one, count in zip(moved, of_each, strict=True)])
        table.grad = torch.sparse_coo_tensor(
            where[None], what.div_(world.size), table.shape, check_invariants=False
        )


def _rows(table: nn.Parameter) -> tuple[torch.Tensor, torch.Tensor]:
    """Row numbers and their gradients, as the backward pass left them; rows may repeat."""
    if table.grad is None:
        return torch.empty(0, dtype=torch.int64), table.new_empty((0, table.shape[1]))
    return table.grad._indices()[0], table.grad._values()


def _padded(part: torch.Tensor, length: int) -> torch.Tensor:
    """With rows of zeros at the end, since all processes must send as much."""
    whole = part.new_zeros((length, *part.shape[1:]))
    whole[: len(part)] = part
    return whole


def _gathered(part: torch.Tensor, world: World) -> list[torch.Tensor]:
    """Every process's part, in the order of the processes."""
    parts = [torch.empty_like(part) for _ in range(world.size)]
    dist.all_gather(parts, part)
    return parts
