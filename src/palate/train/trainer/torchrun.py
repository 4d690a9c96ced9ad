"""The scale-out trainer: `torchrun`, one net learned by several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from palate.errors import ConfigError, TrainError
from palate.train.state import Trained
from palate.train.trainer.base import Job, Trainer, read_trained
from palate.train.trainer.worker import FAILURE, PROGRESS
from palate.types import Progress

__all__ = ["TorchrunTrainer"]

_TAIL: Final = 3000  # characters of what the processes said that are passed on


class TorchrunTrainer(Trainer):
    """Data-parallel training: each process has its share of every batch, gradients are averaged.

    Without `launch` all processes run on this machine and meet on its loopback. On several
    machines the same is started on each with the options of `torchrun` that say where to meet,
    over a folder that all of them see:

        TorchrunTrainer(4, launch=("--nnodes=2", "--rdzv-backend=c10d",
                                   "--rdzv-endpoint=head:29400", "--rdzv-id=7"))

    Args:
        processes: On this machine, at least 1.
        launch: Options of torchrun in place of `--standalone`.
    """

    def __init__(self, processes: int = 2, *, launch: Sequence[str] = ("--standalone",)) -> None:
        if processes < 1:
            raise ConfigError(f"processes is {processes}; it is at least 1")
        self._processes = processes
        self._launch = tuple(launch)

    def run(self, job: Job, folder: Path, *, progress: Progress | None = None) -> Trained:
        """See `Trainer.run`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FAILURE).unlink(missing_ok=True)
        (folder / "job.json").write_text(job.to_json() + "\n")
        with tempfile.TemporaryFile("w+") as errors:
            code = self._launched(folder, errors, progress)
            if code:
                raise self._failure(folder, errors, code)
        return read_trained(folder)

    def _launched(self, folder: Path, errors: IO[str], progress: Progress | None) -> int:
        """Start all processes, pass their progress on, and give the exit code."""
        command = [
            sys.executable,
            *("-m", "torch.distributed.run"),
            *self._launch,
            f"--nproc-per-node={self._processes}",
            *("-m", "palate.train.trainer.worker", str(folder)),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=self._environment()
        ) as running:
            assert running.stdout is not None
            try:
                for line in running.stdout:
                    if progress is not None and line.startswith(PROGRESS):
                        done, total, what = json.loads(line.removeprefix(PROGRESS))
                        progress(done, total, what)
            except BaseException:
                running.terminate()  # torchrun ends its processes
                raise
        return running.returncode

    def _environment(self) -> dict[str, str]:
        """Ours; on one machine gloo meets on the loopback, whatever the host's name says."""
        if self._launch != ("--standalone",):
            return dict(os.environ)
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        return {"GLOO_SOCKET_IFNAME": loopback} | os.environ

    @staticmethod
    def _failure(folder: Path, errors: IO[str], code: int) -> TrainError:
        """What went wrong, as the process that failed first said it."""
        path = folder / FAILURE
        if path.is_file():
            said = json.loads(path.read_text())
            return TrainError(said.pop("message"), **said | {"rows": tuple(said.get("rows", ()))})
        errors.seek(0)
        return TrainError(f"torchrun ended with code {code}: {errors.read()[-_TAIL:].strip()}")
