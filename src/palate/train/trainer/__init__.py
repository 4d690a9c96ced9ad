"""Where a training runs: in this process, or in several at once."""

from palate.train.trainer.base import Job, Parts, Trainer, read_weights
from palate.train.trainer.local import LocalTrainer
from palate.train.trainer.torchrun import TorchrunTrainer

__all__ = ["Job", "LocalTrainer", "Parts", "TorchrunTrainer", "Trainer", "read_weights"]
