"""Checkpoints: weights, optimiser and standing in npz and JSON; whole or absent, never pickle.

A folder holds `checkpoint.json`, which names the array files that belong to it with their
checksums. It is replaced last, in one step, so that a process killed at any moment leaves the
checkpoint before or the one after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from palate.errors import TrainError
from palate.train.state import TrainState

__all__ = ["Checkpoint", "Weights"]

FORMAT: Final = 1
_HEAD: Final = "checkpoint.json"

Weights = dict[str, torch.Tensor]
"""A net's `state_dict`."""


class Checkpoint:
    """Where a training is kept.

    Args:
        folder: Of this training alone; made when the first checkpoint is written.
        identity: What the training is of, as JSON: config, data, net. A checkpoint of anything
            else is refused.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder = folder
        self._identity = identity
        self._best: tuple[int, str] | None = None  # epoch and file of the best weights written

    def write(
        self, state: TrainState, net: nn.Module, optimizer: Optimizer, best: Weights | None
    ) -> None:
        """Replace the checkpoint by one of now.

        Args:
            state: Where training stands.
            net: Its weights now.
            optimizer: Its moments now.
            best: Weights of the best epoch; None where those of now are asked for at the end.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays, plain = _optimizer_arrays(optimizer)
        arrays |= {f"net/{name}": value.numpy() for name, value in net.state_dict().items()}
        files = {"now": _write_arrays(self.folder, f"now-{state.steps}", arrays)}
        if best is not None:
            files["best"] = self._best_file(state.best_epoch, best)
        head = {
            "format": FORMAT,
            "identity": self._identity,
            "state": state.to_json(),
            "optimizer": plain,
            "files": {what: {"name": name, "sha256": sha} for what, (name, sha) in files.items()},
        }
        written = self.folder / f"{_HEAD}.new"
        written.write_text(json.dumps(head, indent=1, allow_nan=False) + "\n")
        written.replace(self.folder / _HEAD)
        kept = {name for name, _ in files.values()}
        for old in (*self.folder.glob("now-*.npz"), *self.folder.glob("best-*.npz")):
            if old.name not in kept:
                old.unlink()

    def read(
        self, net: nn.Module, optimizer: Optimizer
    ) -> tuple[TrainState, Weights | None] | None:
        """Put net and optimiser where the checkpoint says; None where there is none.

        Returns:
            Where training stands, and the best weights.

        Raises:
            TrainError: It is damaged, of another format, config, net or data. Net and
                optimiser are then as they were.
        """
        path = self.folder / _HEAD
        if not path.is_file():
            return None
        try:
            head = json.loads(path.read_text())
            found, identity = head["format"], head["identity"]
            if found == FORMAT:
                self._refuse_others(identity)
                files = {
                    what: _read_arrays(self.folder, said) for what, said in head["files"].items()
                }
                state = TrainState.from_json(head["state"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainError(f"{path} is damaged: {error}", hint="delete the folder") from error
        if found != FORMAT:
            raise TrainError(
                f"{path} has format {found}; this version reads {FORMAT}", hint="delete the folder"
            )
        if "best" in files:  # not written again: the checkpoint on disk depends on it
            self._best = (state.best_epoch, head["files"]["best"]["sha256"])
        now = files["now"]
        weights = {n.removeprefix("net/"): v for n, v in now.items() if n.startswith("net/")}
        net.load_state_dict(weights)
        optimizer.load_state_dict(_optimizer_state(now, head["optimizer"]))
        return state, files.get("best")

    def _best_file(self, epoch: int, best: Weights) -> tuple[str, str]:
        """Name and checksum of the best weights, written once an epoch."""
        name = f"best-{epoch}"
        if self._best is None or self._best[0] != epoch:
            arrays = {key: value.numpy() for key, value in best.items()}
            self._best = (epoch, _write_arrays(self.folder, name, arrays)[1])
        return f"{name}.npz", self._best[1]

    def _refuse_others(self, found: Mapping[str, Any]) -> None:
        """Raise unless the checkpoint is of this training."""
        for what, ours in self._identity.items():
            theirs = found.get(what)
            if theirs == ours:
                continue
            differing = f"its {what} differs"
            if isinstance(ours, dict) and isinstance(theirs, dict):
                names = sorted(n for n in {*ours, *theirs} if ours.get(n) != theirs.get(n))
                said = [f"{n} was {theirs.get(n)}, is {ours.get(n)}" for n in names[:3]]
                differing = f"its {what} differs: {'; '.join(said)}"
            raise TrainError(
                f"the checkpoint in {self.folder} is of another training: {differing}",
                hint="give another folder, or delete this one to begin anew",
            )


def _optimizer_arrays(optimizer: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """An optimiser's state as arrays by name, and what of it are plain values."""
    said = optimizer.state_dict()
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {"groups": said["param_groups"], "state": {}}
    for number, slots in said["state"].items():
        for name, value in slots.items():
            if isinstance(value, torch.Tensor):
                arrays[f"optimizer/{number}/{name}"] = value.numpy()
            else:
                plain["state"].setdefault(str(number), {})[name] = value
    return arrays, plain


def _optimizer_state(arrays: Weights, plain: Mapping[str, Any]) -> dict[str, Any]:
    """What `_optimizer_arrays` took apart; JSON's lists become tuples again."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in arrays.items():
        if key.startswith("optimizer/"):
            _, number, name = key.split("/", 2)
            state.setdefault(int(number), {})[name] = value
    for number, slots in plain["state"].items():
        state.setdefault(int(number), {}).update(slots)
    groups = [
        {
            name: tuple(value) if isinstance(value, list) and name != "params" else value
            for name, value in group.items()
        }
        for group in plain["groups"]
    ]
    return {"state": state, "param_groups": groups}


def _write_arrays(folder: Path, name: str, arrays: Mapping[str, Any]) -> tuple[str, str]:
    """Write one npz and give its name and checksum."""
    path = folder / f"{name}.npz"
    np.savez(path, **arrays)
    with path.open("rb") as file:
        return path.name, hashlib.file_digest(file, "sha256").hexdigest()


def _read_arrays(folder: Path, said: Mapping[str, str]) -> Weights:
    """What `_write_arrays` wrote, as tensors, once its checksum is what was said."""
    path = folder / said["name"]
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != said["sha256"]:
            raise ValueError(f"{path.name} is not the file that was written: its checksum differs")
    with np.load(path, allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}
