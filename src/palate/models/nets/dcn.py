"""DCN-v2 in torch; what it is stands in `models/dcn.py`."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from palate.models.click_shape import Shape
from palate.models.dcn import DCNConfig
from palate.models.nets.click_net import ClickNet, Found
from palate.models.nets.fields import Fields
from palate.models.nets.tower import Tower, arrays_of
from palate.train.batches import Batch

__all__ = ["DCNNet"]


class CrossLayer(nn.Module):
    """x0 * (W x + b) + x, W whole or U V' of a rank."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, rank, bias=False) if rank else None
        self.whole = nn.Linear(rank if rank else width, width)

    def forward(self, first: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(n, width)."""
        product = self.whole(x if self.down is None else self.down(x))
        return torch.addcmul(x, first, product)


class DCNNet(ClickNet):
    """Cross layers, and dense layers beside or behind them."""

    def __init__(self, shape: Shape, config: DCNConfig) -> None:
        super().__init__()
        self.fields = Fields(shape, config.k, config.sigma, linear=False, numbers=config.numbers)
        width = self.fields.width
        self.crosses = nn.ModuleList(CrossLayer(width, config.rank) for _ in range(config.layers))
        self.tower = Tower(
            width, config.hidden, dropout=config.dropout, batch_norm=config.batch_norm
        )
        self.out = nn.Linear(self.tower.n_out, 1, bias=False)
        parallel = config.structure == "parallel"
        self.beside = nn.Linear(width, 1, bias=False) if parallel else None
        self.bias = nn.Parameter(torch.tensor([shape.bias]))

    def forward(self, batch: Batch) -> Found:
        """Answer the rows of a batch."""
        looked = self.fields(batch)
        x = looked.flat
        for layer in self.crosses:
            x = layer(looked.flat, x)
        if self.beside is None:
            deep = self.out(self.tower(x))
        else:
            deep = self.beside(x) + self.out(self.tower(looked.flat))
        return Found(self.bias + deep.squeeze(1), looked.penalty)

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""
        found = {**self.fields.arrays(), **self.tower.arrays(), **arrays_of(self.out, "out")}
        for at, layer in enumerate(self.crosses):
            assert isinstance(layer, CrossLayer)
            found |= arrays_of(layer.whole, f"cross.{at}")
            if layer.down is not None:
                found |= arrays_of(layer.down, f"cross.{at}.down")
        if self.beside is not None:
            found |= arrays_of(self.beside, "beside")
        found["bias"] = self.bias.detach().numpy().copy()
        return found
