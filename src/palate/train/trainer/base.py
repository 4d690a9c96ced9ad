"""The port: a training that any process can begin, and who runs it."""

from __future__ import annotations

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from torch import nn
from torch.optim import Optimizer

from palate.errors import ConfigError, TrainError
from palate.train.batches.base import Batches
from palate.train.loop import Loss, train
from palate.train.settings import TrainConfig
from palate.train.state import EpochRecord, Trained
from palate.train.world import World
from palate.types import Progress

__all__ = ["Job", "Parts", "Trainer", "read_trained", "read_weights", "run_here"]

_CHECKPOINT: Final = "checkpoint"
_WEIGHTS: Final = "weights.npz"
_TRAINED: Final = "trained.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """What `train` takes, made by a job's function; see there.

    Attributes:
        net: With starting weights that depend on the settings alone.
        loss: Mean loss of a batch.
        batches: What to learn from.
        config: Epochs, rate, patience.
        validate: The value to stop by.
        optimizer: Makes it; None for the default.
    """

    net: nn.Module
    loss: Loss
    batches: Batches
    config: TrainConfig
    validate: Callable[[], float] | None = None
    optimizer: Callable[[nn.Module], Optimizer] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A training by name, so that another process can begin it; nothing is pickled.

    Attributes:
        make: `package.module:function`, which is called with the settings and gives `Parts`.
        settings: As JSON: paths of data, hyperparameters.
    """

    make: str
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """For the process that runs it.

        Raises:
            ConfigError: A setting is none of JSON's values.
        """
        try:
            return json.dumps(asdict(self), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the settings of {self.make} are not JSON: {error}") from error

    @classmethod
    def from_json(cls, said: str) -> Self:
        """What `to_json` gave."""
        return cls(**json.loads(said))

    def parts(self) -> Parts:
        """Call the function.

        Raises:
            ConfigError: There is no such function.
        """
        module, _, name = self.make.partition(":")
        try:
            make = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"there is no {self.make!r} to train: {error}", hint="write package.module:function"
            ) from error
        found: Parts = make(self.settings)
        return found


class Trainer(ABC):
    """Who runs a training.

    The law, checked by `palate.testing.trainer.TrainerConformance`: same seed, data and runner,
    equal weights to 1e-5; across runners, equal quality within 0.005 NDCG. What was interrupted
    goes on from the folder's checkpoint, and ends as if it had not been.
    """

    @abstractmethod
    def run(self, job: Job, folder: Path, *, progress: Progress | None = None) -> Trained:
        """Train, and leave in `folder` the best weights (`weights.npz`) and checkpoints.

        Args:
            job: What to train.
            folder: Of this training alone; one that was interrupted is resumed.
            progress: Called with steps done and in all.

        Raises:
            TrainError: The training failed; see `palate.train.loop.train`.
            ConfigError: The job's function is not there.
        """


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """The best weights that a training left in its folder, by the net's names.

    Raises:
        TrainError: There are none.
    """
    try:
        with np.load(folder / _WEIGHTS, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise TrainError(
            f"{folder} holds no trained weights: {error}", hint="train first"
        ) from error


def run_here(job: Job, folder: Path, progress: Progress | None) -> Trained:
    """Train in this process, alone or as one of several; the first one writes."""
    parts = job.parts()
    found = train(
        parts.net,
        parts.loss,
        parts.batches,
        parts.config,
        validate=parts.validate,
        optimizer=parts.optimizer,
        checkpoint=folder / _CHECKPOINT,
        progress=progress,
    )
    if World.here().rank == 0:
        weights: dict[str, Any] = {n: one.numpy() for n, one in parts.net.state_dict().items()}
        np.savez(folder / _WEIGHTS, **weights)
        (folder / _TRAINED).write_text(json.dumps(asdict(found), indent=1) + "\n")
    return found


def read_trained(folder: Path) -> Trained:
    """What `run_here` said in another process."""
    said = json.loads((folder / _TRAINED).read_text())
    return Trained(**said | {"history": [EpochRecord(**one) for one in said["history"]]})
