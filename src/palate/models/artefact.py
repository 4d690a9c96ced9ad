"""A fitted model on disk: `model.json`, `state.npz`, `items.npz`; never pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from palate.data.vocabulary import Vocabulary
from palate.errors import BundleError
from palate.models.config import ModelConfig
from palate.plugins import model_class

if TYPE_CHECKING:
    from palate.models.base import Recommender

__all__ = ["FORMAT", "Artefact", "read", "write"]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a folder holds, read and checked."""

    model_class: type[Recommender[Any]]
    config: ModelConfig
    state: dict[str, np.ndarray]
    vocabulary: Vocabulary


def write(
    folder: Path,
    *,
    name: str,
    config: ModelConfig,
    state: dict[str, np.ndarray],
    vocabulary: Vocabulary,
) -> None:
    """Write the three files; `model.json` last, so that a half-written folder is not a model."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = [key for key, array in state.items() if array.dtype == object]
    if objects:
        raise BundleError(f"{name} keeps object arrays, which would need pickle: {objects}")
    np.savez(folder / "state.npz", **state)  # type: ignore[arg-type]  # numpy types savez loosely
    vocabulary.save(folder / "items.npz")
    head = {"format": FORMAT, "model": name, "config": config.model_dump(mode="json")}
    (folder / "model.json").write_text(json.dumps(head, indent=2, sort_keys=True) + "\n")


def read(folder: Path, *, expected: type[Recommender[Any]] | None) -> Artefact:
    """Read what `write` wrote.

    Raises:
        BundleError: It is missing, damaged, of a newer format, or another model than expected.
    """
    path = folder / "model.json"
    try:
        head = json.loads(path.read_text())
        found, name, raw = head["format"], head["model"], head["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder} holds no model: {error}") from error
    if found != FORMAT:
        raise BundleError(f"{path} has format {found}; this version reads {FORMAT}")
    cls = expected if expected is not None else model_class(name)
    if cls.name != name:
        raise BundleError(f"{folder} holds a {name}, not a {cls.name}")
    try:
        config = cls.Config.model_validate(raw)
        with np.load(folder / "state.npz", allow_pickle=False) as file:
            state = {key: file[key] for key in file.files}
    except ValidationError as error:
        raise BundleError(f"{path} has a config of another version: {error}") from error
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{folder / 'state.npz'} cannot be read: {error}") from error
    return Artefact(cls, config, state, Vocabulary.load(folder / "items.npz"))
