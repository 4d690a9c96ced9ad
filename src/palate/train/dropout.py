"""Dropout that draws a byte a unit: several times faster on a processor than torch's own."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Dropout", "dropout"]

_CELLS = 256  # a byte's values
_LOW = -(1 << 63)  # of whole numbers of 64 bits, all of whose bits are drawn


def dropout(x: torch.Tensor, p: float, *, training: bool) -> torch.Tensor:
    """Each unit 0 with chance p, else divided by 1 - p; x itself when not training.

    Torch draws a number of 32 bits for every unit, which takes longer than the layers around
    it where these are narrow. Here p is rounded to the next of 256 steps, and what is kept is
    divided by the share truly kept, so that the mean is right.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
    overfitting", JMLR, section 4 (inverted as in section 10).

    Args:
        x: Any shape, floating point.
        p: From 0 to below 1.
        training: Whether anything is dropped.
    """
    dropped = min(round(p * _CELLS), _CELLS - 1)
    if not training or dropped == 0:
        return x
    drawn = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(_LOW, None)
    kept = drawn.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped
    return x * kept.to(x.dtype).mul_(_CELLS / (_CELLS - dropped))


class Dropout(nn.Module):
    """`dropout` as a module, in place of `torch.nn.Dropout`.

    Args:
        p: From 0 to below 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop where in training mode."""
        return dropout(x, self.p, training=self.training)

    def extra_repr(self) -> str:
        """For torch's print of a net."""
        return f"p={self.p}"
