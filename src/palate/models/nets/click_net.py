"""The contract of a deep click model's net."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from palate.train.batches import Batch

__all__ = ["ClickNet", "Found"]


class Found(NamedTuple):
    """What a net makes of a batch.

    Attributes:
        answers: (n,) float32 log odds, or standardised ratings.
        penalty: Half the sum of the embeddings' squares, to be multiplied by lambda_v.
    """

    answers: torch.Tensor
    penalty: torch.Tensor


class ClickNet(nn.Module):
    """A net whose rows are the batches of `ClickRows`, and which is saved as plain arrays."""

    @abstractmethod
    def forward(self, batch: Batch) -> Found:
        """Answer the rows of a batch."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned, by the layers' names; in evaluation, normalisation within weights."""
