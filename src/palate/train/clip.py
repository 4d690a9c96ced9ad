"""A bound on the norm of all gradients together, sparse ones among them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["clip_gradients"]


def clip_gradients(weights: Sequence[nn.Parameter], norm: float) -> float:
    """Scale all gradients by one factor so that their common norm is at most `norm`.

    Sparse gradients are coalesced, since rows that repeat add up before they count.

    Source: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural
    networks", ICML, algorithm 1.

    Returns:
        The norm before.
    """
    parts: list[torch.Tensor] = []
    for one in weights:
        if one.grad is None:
            continue
        if one.grad.is_sparse:
            one.grad = one.grad.coalesce()
            parts.append(one.grad.values())
        else:
            parts.append(one.grad)
    if not parts:
        return 0.0
    before = float(torch.linalg.vector_norm(torch.stack([p.norm() for p in parts])))
    if before > norm:
        torch._foreach_mul_(parts, norm / before)
    return before
