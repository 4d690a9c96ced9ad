"""A fitted click model on disk: `model.json`, its columns and its own files; never pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from palate.errors import BundleError
from palate.features.columns import Columns
from palate.models.artefact import check_config, config_checksum
from palate.models.config import ModelConfig

__all__ = ["FORMAT", "ClickArtefact", "read", "write"]

FORMAT = 1
HEAD = "model.json"


@dataclass(frozen=True, slots=True)
class ClickArtefact:
    """What a folder holds, read and checked."""

    config: ModelConfig
    columns: Columns
    files: dict[str, bytes]


def write(
    folder: Path, *, name: str, config: ModelConfig, columns: Columns, files: dict[str, bytes]
) -> None:
    """Write a model into a folder without one.

    `model.json` comes last and has the checksums of all other files, so that a folder half
    written is not a model.

    Raises:
        BundleError: The folder holds a model.
    """
    if (folder / HEAD).exists():
        raise BundleError(f"{folder} already holds a model", hint="save to a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    columns.save(folder)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    head = {
        "format": FORMAT,
        "click_model": name,
        "config": (plain := config.model_dump(mode="json")),
        "config_sha256": config_checksum(plain),
        "sha256": {
            file: hashlib.sha256((folder / file).read_bytes()).hexdigest()
            for file in ("columns.json", "columns.npz", *files)
        },
    }
    (folder / HEAD).write_text(json.dumps(head, indent=2) + "\n")


def read(folder: Path, *, name: str, config: type[ModelConfig]) -> ClickArtefact:
    """Read what `write` wrote.

    Raises:
        BundleError: It is missing, damaged, of a newer format, another model, or of another
            config.
    """
    path = folder / HEAD
    try:
        head = json.loads(path.read_text())
        found, kind, raw = head["format"], head["click_model"], head["config"]
        sums = {file: str(digest) for file, digest in head["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{folder} holds no click model: {error}") from error
    if found != FORMAT:
        raise BundleError(f"{path} has format {found}; this version reads {FORMAT}")
    if kind != name:
        raise BundleError(f"{folder} holds a {kind}, not a {name}")
    check_config(path, raw, head.get("config_sha256"))
    try:
        read_config = config.model_validate(raw)
    except ValidationError as error:
        raise BundleError(f"{path} has a config of another version: {error}") from error
    files = {file: _checked(folder, file, digest) for file, digest in sums.items()}
    if not {"columns.json", "columns.npz"} <= set(files):
        raise BundleError(f"{path} does not name its columns")
    return ClickArtefact(read_config, Columns.load(folder), files)


def _checked(folder: Path, file: str, digest: str) -> bytes:
    """The content of a file, refused unless it is what was written."""
    if Path(file).name != file:
        raise BundleError(f"{folder / HEAD} names {file!r}, which is outside its folder")
    try:
        content = (folder / file).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / file} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(
            f"{folder / file} is not the file that was saved: its checksum differs",
            hint="copy the model again, or fit and save it again",
        )
    return content
