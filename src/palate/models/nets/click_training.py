"""Deep click models in the loop: loss, validation, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from palate.features.columns import Encoded
from palate.metrics.auc import auc
from palate.models.click_rows import Part
from palate.models.nets.averaging import Averaged
from palate.models.nets.click_net import ClickNet, Found
from palate.models.nets.click_rows import ClickRows
from palate.train.batches import Batch
from palate.train.loop import train
from palate.train.optim import adam
from palate.train.seeds import seeded
from palate.types import Float32Array, Progress

if TYPE_CHECKING:
    from palate.models.deep_click import DeepClickConfig

__all__ = ["Job", "answers", "learned"]

ROWS = 4096  # judged at once


@dataclass(frozen=True, slots=True)
class Job:
    """A training.

    Attributes:
        make: Makes the net; draws its starting weights from torch's own generator.
        config: Of the model.
        part: To learn from.
        held: To stop by, if any.
        progress: Called while it learns.
        extra: Gives further entries of encoded rows, or None.
    """

    make: Callable[[], ClickNet]
    config: DeepClickConfig
    part: Part
    held: Part | None
    progress: Progress | None
    extra: Callable[[Encoded], Encoded | None] = lambda _: None

    def rows(self, part: Part) -> ClickRows:
        """A part as batches are made of it."""
        return ClickRows(part, self.extra(part.rows))


def learned(job: Job) -> tuple[dict[str, np.ndarray], int]:
    """Train a net.

    Returns:
        Its arrays, and the best epoch.
    """
    config = job.config
    with seeded(config.seed):
        net = job.make()
    rows, average = job.rows(job.part), Averaged(net, config.average)
    trained = train(
        net,
        _loss(config),
        rows.batches(config.batch_size, config.seed),
        config,
        validate=None if job.held is None else _Judge(net, average, job.rows(job.held), config),
        optimizer=lambda made: average.follow(adam(made, config)),
        progress=job.progress,
    )
    average.hand_over()
    with torch.no_grad():
        return net.arrays(), trained.epoch


def answers(net: ClickNet, rows: ClickRows) -> Float32Array:
    """(n,) float32 of all rows, as the net stands."""
    with torch.no_grad():
        parts = [net(batch).answers.numpy() for batch in rows.in_order(ROWS)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _loss(config: DeepClickConfig) -> Callable[[nn.Module, Batch], torch.Tensor]:
    """Log loss of clicks, half the squared error of ratings, and the penalty of embeddings."""

    def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
        found: Found = net(batch)
        value = _error(config, found.answers.float(), batch[0])
        return value + config.lambda_v * found.penalty

    return loss


def _error(config: DeepClickConfig, found: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if config.task == "click":
        return functional.binary_cross_entropy_with_logits(found, labels)
    return functional.mse_loss(found, labels) / 2


class _Judge:
    """The value of a validation part, called after each epoch, and the best mean kept.

    AUC where it is asked for and there are both classes, else the negated loss.
    """

    def __init__(
        self, net: ClickNet, average: Averaged, rows: ClickRows, config: DeepClickConfig
    ) -> None:
        self.net, self.average, self.rows, self.config = net, average, rows, config
        both = len(np.unique(rows.labels)) > 1
        self.by_auc = config.task == "click" and config.stop_by == "auc" and both
        self.best = -np.inf

    def __call__(self) -> float:
        with self.average.in_place():
            found = answers(self.net, self.rows)
        value = self._value(found)
        if value > self.best:
            self.best = value
            self.average.keep()
        return value

    def _value(self, found: Float32Array) -> float:
        labels = self.rows.labels
        if self.by_auc:
            return auc(labels, found)
        return -float(_error(self.config, torch.from_numpy(found), torch.from_numpy(labels)))
