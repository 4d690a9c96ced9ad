"""What each process of a `torchrun` runs: `torchrun ... -m palate.train.trainer.worker FOLDER`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import torch.distributed as dist

from palate.errors import PalateError, TrainError
from palate.train.trainer.base import Job, run_here
from palate.train.world import World

__all__ = ["FAILURE", "PROGRESS", "main"]

FAILURE: Final = "failure.json"
PROGRESS: Final = "palate-progress "


def main(folder: Path) -> None:
    """Run the folder's job as one of several processes."""
    dist.init_process_group("gloo")
    try:
        job = Job.from_json((folder / "job.json").read_text())
        run_here(job, folder, _say if World.here().rank == 0 else None)
    except PalateError as error:
        _write(folder, error)
        raise
    dist.destroy_process_group()


def _say(done: int, total: int, what: str) -> None:
    sys.stdout.write(f"{PROGRESS}{json.dumps([done, total, what])}\n")
    sys.stdout.flush()


def _write(folder: Path, error: PalateError) -> None:
    """Tell who started us; the first to fail is the cause, the others fail because of it."""
    said: dict[str, Any] = {"message": error.message, "hint": error.hint}
    if isinstance(error, TrainError):
        said |= {"epoch": error.epoch, "step": error.step, "rows": error.rows}
    try:
        with (folder / FAILURE).open("x") as file:
            file.write(json.dumps(said) + "\n")
    except FileExistsError:
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is written; threads of torch abort a process now and then while it ends
