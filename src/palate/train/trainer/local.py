"""The embedded trainer: this process."""

from __future__ import annotations

from pathlib import Path

from palate.train.state import Trained
from palate.train.trainer.base import Job, Trainer, run_here
from palate.types import Progress

__all__ = ["LocalTrainer"]


class LocalTrainer(Trainer):
    """Trains in this process, with as many threads as torch is set to."""

    def run(self, job: Job, folder: Path, *, progress: Progress | None = None) -> Trained:
        """See `Trainer.run`."""
        folder.mkdir(parents=True, exist_ok=True)
        return run_here(job, folder, progress)
