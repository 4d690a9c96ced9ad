r"""The learning rate that falls to nothing: the last steps settle what the first ones found.

    rate_t = rate (1 - t / T),    t = 0 .. T - 1 of T steps in all

At a steady rate the weights keep moving about the place that they have reached, by as much as one
batch says, and the net that is kept is the one of the last batch's whim.

Source: Defazio, Cutkosky, Mehta and Mishchenko 2023, "Optimal linear decay learning rate schedules
and further refinements", arXiv 2310.07831, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.optim import Optimizer

from palate.train.batches import Batch, Batches

__all__ = ["FallingRate"]


class FallingRate:
    """Batches before each of which the optimiser's rate is set by how many came before it.

    Args:
        batches: What is learned from.
        optimizer: Whose rate falls, from the one that it has now.
        epochs: That will be taken.
    """

    def __init__(self, batches: Batches, optimizer: Optimizer, epochs: int) -> None:
        self._batches, self._optimizer = batches, optimizer
        self._rates = [float(group["lr"]) for group in optimizer.param_groups]
        self._steps = epochs * len(batches)

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """As the batches have it."""
        first = (number - 1) * len(self._batches) + skip
        for step, batch in enumerate(self._batches.epoch(number, skip=skip), first):
            share = 1 - step / self._steps
            for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * share
            yield batch
