"""The running mean of a net's weights: it answers better than the weights that it follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

__all__ = ["Averaged"]

WARM = 10  # steps after which about half of the mean is of the last ones


class Averaged:
    """mean <- d mean + (1 - d) weights after each step, with d = min(decay, t / (t + 10)).

    Averaging does what a falling learning rate does, without a schedule to be known before.
    What a batch normalisation measured is averaged too.

    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging",
    SIAM Journal on Control and Optimization 30; with decay as Kingma and Ba 2015, section 7.2.

    Args:
        net: Whose weights are followed.
        decay: d, 0 for the weights as they are; 0.995 is the mean of about 200 steps.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._weights = [one for one in net.state_dict().values() if one.is_floating_point()]
        self._mean = [one.clone() for one in self._weights]
        self._kept: list[torch.Tensor] | None = None

    def follow(self, optimizer: Optimizer) -> Optimizer:
        """Average after each step of `optimizer`, which is returned."""
        optimizer.register_step_post_hook(self._after)
        return optimizer

    def keep(self) -> None:
        """Remember the mean of now, as the best so far."""
        self._kept = [one.clone() for one in self._mean]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block the net has the mean; after it, its own weights."""
        own = [one.clone() for one in self._weights]
        self._write(self._mean)
        try:
            yield
        finally:
            self._write(own)

    def hand_over(self) -> None:
        """Give the net the mean that was kept, or that of now where none was."""
        self._write(self._mean if self._kept is None else self._kept)

    def _after(self, *_: Any) -> None:
        self.steps += 1
        share = 1 - min(self.decay, self.steps / (self.steps + WARM))
        with torch.no_grad():
            torch._foreach_lerp_(self._mean, self._weights, share)

    def _write(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            torch._foreach_copy_(self._weights, values)
