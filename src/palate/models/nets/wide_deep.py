"""Wide & Deep in torch; what it is stands in `models/wide_deep.py`."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from palate.models.click_shape import Shape
from palate.models.nets.click_net import ClickNet, Found
from palate.models.nets.fields import Fields, entries_of, weighed
from palate.models.nets.tower import Tower, arrays_of
from palate.models.wide_deep import WideDeepConfig
from palate.train.batches import Batch

__all__ = ["WideDeepNet"]


class WideDeepNet(ClickNet):
    """Weights of values and of crosses, beside dense layers over the embeddings."""

    def __init__(self, shape: Shape, config: WideDeepConfig) -> None:
        super().__init__()
        self.fields = Fields(shape, config.k, config.sigma, linear=True, numbers=config.numbers)
        self.crosses = (
            nn.Parameter(torch.zeros(config.cross_buckets, 1)) if config.crosses else None
        )
        self.tower = Tower(
            self.fields.width, config.hidden, dropout=config.dropout, batch_norm=config.batch_norm
        )
        self.out = nn.Linear(self.tower.n_out, 1, bias=False)
        self.bias = nn.Parameter(torch.tensor([shape.bias]))

    def forward(self, batch: Batch) -> Found:
        """Answer the rows of a batch."""
        looked = self.fields(batch)
        deep = self.out(self.tower(looked.flat)).squeeze(1)
        answers, penalty = self.bias + looked.weights + deep, looked.penalty
        if self.crosses is not None:
            answers = answers + weighed(self.crosses, entries_of(batch)[1]).view(len(answers))
            penalty = penalty + self.crosses.square().sum() / 2
        return Found(answers, penalty)

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""
        found = {**self.fields.arrays(), **self.tower.arrays(), **arrays_of(self.out, "out")}
        found["bias"] = self.bias.detach().numpy().copy()
        if self.crosses is not None:
            found["crosses"] = self.crosses.detach().numpy().copy()
        return found
