"""A regression whose answer is known, and a net with dropout that learns it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from palate.train.batches import ArrayBatches, Batch
from palate.train.seeds import seeded

TRUE = np.array([1.0, -2.0, 0.5, 3.0], np.float32)


class Line(nn.Module):
    """y = w . x, with dropout in front when asked."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.line = nn.Linear(len(TRUE), 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.line(self.dropout(x)).squeeze(1)
        return y


def squared(net: nn.Module, batch: Batch) -> torch.Tensor:
    x, y = batch
    error: torch.Tensor = net(x) - y
    return error.square().mean()


@dataclass
class Regression:
    """Rows, and how to make what trains on them."""

    x: np.ndarray
    y: np.ndarray

    def batches(self, size: int = 16, seed: int = 1) -> ArrayBatches:
        return ArrayBatches((self.x, self.y), batch_size=size, seed=seed)

    def net(self, dropout: float = 0.0) -> Line:
        with seeded(7):
            return Line(dropout)

    def negative_error(self, net: nn.Module) -> float:
        with torch.no_grad():
            return -float(squared(net, (torch.from_numpy(self.x), torch.from_numpy(self.y))))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny products gain nothing from threads, and wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def regression() -> Regression:
    x = np.random.default_rng(0).normal(size=(100, len(TRUE))).astype(np.float32)
    return Regression(x, x @ TRUE + np.float32(0.25))
