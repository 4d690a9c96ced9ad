"""A fitted model on disk: `model.json`, `state.npz`, `items.npz`; never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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

__all__ = ["FILES", "FORMAT", "Artefact", "check_config", "config_checksum", "read", "write"]

FORMAT = 1
FILES = ("state.npz", "items.npz")  # what model.json holds the checksums of


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
    """Write the three files into a folder without a model.

    `model.json` comes last, so that a half-written folder is not a model.

    Raises:
        BundleError: The folder holds a model, or the state cannot be written without pickle.
    """
    if (folder / "model.json").exists():
        raise BundleError(f"{folder} already holds a model", hint="save to a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    objects = [key for key, array in state.items() if array.dtype == object]
    if objects:
        raise BundleError(f"{name} keeps object arrays, which would need pickle: {objects}")
    np.savez(folder / "state.npz", **state)  # type: ignore[arg-type]  # numpy types savez loosely
    vocabulary.save(folder / "items.npz")
    head = {
        "format": FORMAT,
        "model": name,
        "config": (plain := config.model_dump(mode="json")),
        "config_sha256": config_checksum(plain),
        "sha256": {file: _sha256(folder / file) for file in FILES},
    }
    (folder / "model.json").write_text(json.dumps(head, indent=2) + "\n")


def read(folder: Path, *, expected: type[Recommender[Any]] | None) -> Artefact:
    """Read what `write` wrote.

    Raises:
        BundleError: It is missing, damaged, of a newer format, or another model than expected.
    """
    path = folder / "model.json"
    try:
        head = json.loads(path.read_text())
        found, name, raw, sums = head["format"], head["model"], head["config"], head["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder} holds no model: {error}") from error
    if found != FORMAT:
        raise BundleError(f"{path} has format {found}; this version reads {FORMAT}")
    check_config(path, raw, head.get("config_sha256"))
    for file in FILES:
        _check(folder / file, sums.get(file))
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


def config_checksum(config: Mapping[str, Any]) -> str:
    """SHA-256 of a config as JSON: arrays fitted under one config are not those of another."""
    plain = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def check_config(path: Path, config: Mapping[str, Any], expected: str | None) -> None:
    """Refuse a config that is not the one that the model was fitted with.

    Raises:
        BundleError: Its checksum differs from what was saved beside it, at `path`.
    """
    if config_checksum(config) != expected:
        raise BundleError(
            f"{path} has another config than the model was fitted with",
            hint="fit and save it again with that config",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, expected: str | None) -> None:
    """Refuse a file that is absent or not what was written, before anything is parsed."""
    try:
        found = _sha256(path)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    if found != expected:
        raise BundleError(
            f"{path} is not the file that was saved: its checksum differs",
            hint="copy the model again, or fit and save it again",
        )
