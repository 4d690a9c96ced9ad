"""xDeepFM in torch; what it is stands in `models/xdeepfm.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from palate.models.click_shape import Shape
from palate.models.nets.click_net import ClickNet, Found
from palate.models.nets.fields import Fields
from palate.models.nets.tower import Tower, arrays_of
from palate.models.xdeepfm import XDeepFMConfig
from palate.train.batches import Batch

__all__ = ["XDeepFMNet"]


class Interactions(nn.Module):
    """The compressed interaction network; in numpy `models/runtime/cin.py`."""

    def __init__(self, n_fields: int, maps: Sequence[int]) -> None:
        super().__init__()
        before = (n_fields, *maps[:-1])
        # W_l as (maps_l * maps_{l-1}, f): the sum over fields first, which needs less memory.
        self.layers = nn.ModuleList(
            nn.Linear(n_fields, h * m, bias=False) for h, m in zip(maps, before, strict=True)
        )
        for layer, h, m in zip(self.layers, maps, before, strict=True):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=(2 / (m * n_fields + h)) ** 0.5)
        self.n_out = sum(maps)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(n, f, k) to (n, sum of maps)."""
        first = vectors.transpose(1, 2)  # (n, k, f)
        x, found = first, []
        for layer in self.layers:
            mixed = layer(first).unflatten(2, (-1, x.shape[2]))  # (n, k, h, m)
            x = (mixed @ x.unsqueeze(3)).squeeze(3)  # (n, k, h)
            found.append(x.sum(dim=1))
        return torch.cat(found, dim=1)


class XDeepFMNet(ClickNet):
    """First order, interactions, and dense layers, over one set of embeddings."""

    def __init__(self, shape: Shape, config: XDeepFMConfig) -> None:
        super().__init__()
        self.fields = Fields(shape, config.k, config.sigma, linear=True, numbers=config.numbers)
        self.cin = Interactions(shape.n_fields, config.maps)
        self.explicit = nn.Linear(self.cin.n_out, 1, bias=False)
        self.tower = Tower(
            self.fields.width, config.hidden, dropout=config.dropout, batch_norm=config.batch_norm
        )
        self.out = nn.Linear(self.tower.n_out, 1, bias=False)
        self.bias = nn.Parameter(torch.tensor([shape.bias]))

    def forward(self, batch: Batch) -> Found:
        """Answer the rows of a batch."""
        looked = self.fields(batch)
        both = self.explicit(self.cin(looked.vectors)) + self.out(self.tower(looked.flat))
        return Found(self.bias + looked.weights + both.squeeze(1), looked.penalty)

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""
        found = {**self.fields.arrays(), **self.tower.arrays(), **arrays_of(self.out, "out")}
        for at, layer in enumerate(self.cin.layers):
            assert isinstance(layer, nn.Linear)
            found |= arrays_of(layer, f"cin.{at}")
        found |= arrays_of(self.explicit, "explicit")
        found["bias"] = self.bias.detach().numpy().copy()
        return found
