"""The loop: every torch model of Palate is trained by this one function."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from palate.errors import TrainError
from palate.train.average import average_sparse, sparse_tables
from palate.train.batches.base import Batch, Batches, Located
from palate.train.checkpoint import Checkpoint, Weights
from palate.train.clip import clip_gradients
from palate.train.faults import not_finite
from palate.train.optim import adam
from palate.train.precision import product_type
from palate.train.seeds import reseed, seeded
from palate.train.settings import TrainConfig
from palate.train.state import EpochRecord, Trained, TrainState
from palate.train.world import World
from palate.types import Progress

__all__ = ["EpochRecord", "Loss", "Trained", "train"]

Loss = Callable[[nn.Module, Batch], torch.Tensor]
"""The mean loss of a batch, a scalar that gradients come from; it calls the net given."""

_EVERY_S: Final = 0.2  # between two reports of progress
_DROPOUT: Final = 3  # what torch's generator is for, within its key


def train(
    net: nn.Module,
    loss: Loss,
    batches: Batches,
    config: TrainConfig,
    *,
    validate: Callable[[], float] | None = None,
    optimizer: Callable[[nn.Module], Optimizer] | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Fit a net's weights to batches.

    Two runs over the same data with the same seed, and one that was killed and resumed from
    its checkpoint, give the same weights: the order of an epoch depends on (seed, epoch), the
    draws of a step (negatives, dropout) on (seed, epoch, batch, process).

    In every process of a `torchrun` this trains one net together: gradients are averaged
    every step, the first process validates and writes checkpoints.

    Args:
        net: With its starting weights, which must be equal in all processes. At the end it has
            those of the best epoch, and is in evaluation mode.
        loss: Mean loss of a batch.
        batches: What to learn from.
        config: Epochs, rate, patience.
        validate: The value to stop by, higher is better; called after each epoch with the net
            in evaluation mode and without gradients. None trains all epochs.
        optimizer: Makes it; by default `palate.train.optim.adam`.
        checkpoint: A folder, written after every epoch and every `config.checkpoint_steps`, and
            resumed from where it exists.
        progress: Called with steps done and in all, several times a second.

    Returns:
        The best epoch, its value, and a record an epoch.

    Raises:
        TrainError: The loss or the validation value is not a number, there is nothing to learn
            from, or the checkpoint is of another config, net or data.
    """
    if len(batches) == 0:
        raise TrainError("there is nothing to learn from: no batches", hint="give rows")
    made = adam(net, config) if optimizer is None else optimizer(net)
    run = _Run(net, loss, batches, config, made, progress)
    if checkpoint is not None:
        run.resume(checkpoint)
    with seeded(config.seed):
        while not run.state.finished:
            run.epoch()
            run.judge(validate)
    run.hand_over()
    return run.state.trained()


class _Run:
    """One call of `train`."""

    def __init__(
        self,
        net: nn.Module,
        loss: Loss,
        batches: Batches,
        config: TrainConfig,
        optimizer: Optimizer,
        progress: Progress | None,
    ) -> None:
        self.net, self.batches, self.config = net, batches, config
        self.optimizer, self.progress = optimizer, progress
        self.world = World.here()
        tables = sparse_tables(net) if self.world.size > 1 else {}
        self.tables = list(tables.values())
        self.loss = _averaged(net, loss, self.world, tables)
        self.state = TrainState()
        self.best: Weights | None = None
        self.checkpoint: Checkpoint | None = None
        self._weights = [one for one in net.parameters() if one.requires_grad]
        self._reported = -math.inf

    def resume(self, folder: Path) -> None:
        """Stand where the folder's checkpoint stands, if there is one."""
        self.checkpoint = Checkpoint(folder, self._identity())
        found = self.checkpoint.read(self.net, self.optimizer)
        if found is not None:
            self.state, self.best = found
        self.world.wait()

    def epoch(self) -> None:
        """Take the epoch's remaining batches."""
        state, every = self.state, self.config.checkpoint_steps
        self.net.train()
        started = time.perf_counter()
        for batch in self.batches.epoch(state.epoch, skip=state.batch):
            value = self._step(batch)
            state.loss_sum += value * len(batch[0])
            state.rows += len(batch[0])
            state.steps += 1
            state.batch += 1
            self._report(value)
            if every and state.steps % every == 0 and state.batch < len(self.batches):
                state.seconds += time.perf_counter() - started
                self._write()
                started = time.perf_counter()
        state.seconds += time.perf_counter() - started
        if state.batch != len(self.batches):
            raise TrainError(
                f"epoch {state.epoch} had {state.batch} batches, not the {len(self.batches)} said",
                hint="the batches' __len__ and epoch() must agree",
                epoch=state.epoch,
            )

    def judge(self, validate: Callable[[], float] | None) -> None:
        """End the epoch: its value, the best weights, whether to stop, a checkpoint."""
        state, config = self.state, self.config
        value = None if validate is None else self._validated(validate)
        self._report(state.loss_sum / state.rows, late=True)
        best = state.close_epoch(value, processes=self.world.size)
        if best and validate is not None:
            self.best = _copy(self.net.state_dict(), self.best)
        waited = state.epoch - 1 - state.best_epoch
        stops = validate is not None and 0 < config.patience <= waited
        state.finished = stops or state.epoch > config.epochs
        self._write()

    def hand_over(self) -> None:
        """Give the net the best weights, for use."""
        if self.best is not None:
            self.net.load_state_dict(self.best)
        self.optimizer.zero_grad(set_to_none=True)
        self.net.eval()

    def _step(self, batch: Batch) -> float:
        """One step of the optimiser; the batch's loss."""
        state, config = self.state, self.config
        reseed(config.seed, state.epoch, state.batch, self.world.rank, _DROPOUT)
        if product_type(config.precision) is torch.bfloat16:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = self.loss(self.net, batch)
        else:
            loss = self.loss(self.net, batch)
        value = loss.item()
        if not math.isfinite(value):
            folder = None if self.checkpoint is None else self.checkpoint.folder
            raise not_finite(value, state, self.net, batch, self.batches, folder)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        if self.tables:
            average_sparse(self.tables, self.world)
        if config.clip_norm > 0:
            clip_gradients(self._weights, config.clip_norm)
        self.optimizer.step()
        return value

    def _validated(self, validate: Callable[[], float]) -> float:
        """The first process's validation value."""
        value = 0.0
        if self.world.rank == 0:
            self.net.eval()
            with torch.no_grad():
                value = float(validate())
        value = self.world.agreed(value)
        if not math.isfinite(value):
            raise TrainError(
                f"the validation value of epoch {self.state.epoch} is {value}",
                hint="see that there are validation rows and that their scores are finite",
                epoch=self.state.epoch,
            )
        return value

    def _write(self) -> None:
        if self.checkpoint is not None and self.world.rank == 0:
            self.checkpoint.write(self.state, self.net, self.optimizer, self.best)

    def _report(self, loss: float, *, late: bool = False) -> None:
        """Say how far it is, unless that was said a moment ago and the epoch goes on."""
        now = time.monotonic()
        if self.progress is None or (now - self._reported < _EVERY_S and not late):
            return
        self._reported = now
        of = self.config.epochs
        said = f"epoch {self.state.epoch} of {of}, loss {loss:.4g}"
        best = self.state.best_value
        said += "" if best is None else f", best {best:.4g}"
        done = (self.state.epoch - 1) * len(self.batches) + self.state.batch
        self.progress(done, of * len(self.batches), said)

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint of this training is of."""
        weights = self.net.state_dict().items()
        return {
            "config": self.config.model_dump(mode="json"),
            "net": {name: list(value.shape) for name, value in weights},
            "optimizer": type(self.optimizer).__name__,
            "data": _fingerprint(self.batches),
            "processes": self.world.size,
        }


def _fingerprint(batches: Batches) -> str:
    """What says that data are the same; of batches that cannot say it, the first one's bytes."""
    if isinstance(batches, Located):
        return batches.fingerprint()
    digest = hashlib.sha256(str(len(batches)).encode())
    for part in next(iter(batches.epoch(1))):
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _copy(weights: Weights, into: Weights | None) -> Weights:
    """Weights that stay as they are while the net learns on, in memory had before."""
    if into is None:
        return {name: value.clone() for name, value in weights.items()}
    for name, value in weights.items():
        into[name].copy_(value)
    return into


class _Together(nn.Module):
    """Net and loss as one module, so that torch averages the gradients of all processes."""

    def __init__(self, net: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.net = net
        self._loss = loss

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """The mean loss of this process's share of a batch."""
        return self._loss(self.net, batch)


def _averaged(net: nn.Module, loss: Loss, world: World, tables: Iterable[str]) -> Loss:
    """The loss as it is, or one whose dense gradients are those of all processes."""
    if world.size == 1:
        return loss
    module = _Together(net, loss)
    apart = [f"net.{name}" for name in tables]
    if all(name in apart for name, one in module.named_parameters() if one.requires_grad):
        return loss  # torch refuses a module without gradients of its own to average
    leave_out = DistributedDataParallel._set_params_and_buffers_to_ignore_for_model
    leave_out(module, apart)  # type: ignore[no-untyped-call]  # torch's own
    together = DistributedDataParallel(module, find_unused_parameters=True)

    def of_all(_: nn.Module, batch: Batch) -> torch.Tensor:
        value: torch.Tensor = together(*batch)
        return value

    return of_all
