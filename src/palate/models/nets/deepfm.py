"""DeepFM in torch; what it is stands in `models/deepfm.py`."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from palate.models.click_shape import Shape
from palate.models.deepfm import DeepFMConfig
from palate.models.nets.click_net import ClickNet, Found
from palate.models.nets.fields import Fields
from palate.models.nets.tower import Tower, arrays_of
from palate.train.batches import Batch

__all__ = ["DeepFMNet"]


class DeepFMNet(ClickNet):
    """First order, pairs of fields, and dense layers, over one set of embeddings."""

    def __init__(self, shape: Shape, config: DeepFMConfig) -> None:
        super().__init__()
        self.fields = Fields(shape, config.k, config.sigma, linear=True, numbers=config.numbers)
        self.tower = Tower(
            self.fields.width, config.hidden, dropout=config.dropout, batch_norm=config.batch_norm
        )
        self.out = nn.Linear(self.tower.n_out, 1, bias=False)
        self.bias = nn.Parameter(torch.tensor([shape.bias]))

    def forward(self, batch: Batch) -> Found:
        """Answer the rows of a batch."""
        looked = self.fields(batch)
        both = looked.vectors.sum(dim=1).square().sum(dim=1)
        own = looked.vectors.square().sum(dim=(1, 2))
        deep = self.out(self.tower(looked.flat)).squeeze(1)
        answers = self.bias + looked.weights + (both - own) / 2 + deep
        return Found(answers, looked.penalty)

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""
        out = arrays_of(self.out, "out")
        bias = {"bias": self.bias.detach().numpy().copy()}
        return {**self.fields.arrays(), **self.tower.arrays(), **out, **bias}
