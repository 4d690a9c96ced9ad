"""A release as a folder: model files, `manifest.json` and its checksum; written, read, verified.

    manifest.json          what the release is, with the SHA-256 and size of each model file
    manifest.json.sha256   of the manifest, in the format of sha256sum
    model/                 what the model's `save` wrote

Nothing is parsed before its checksum was compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from palate.errors import BundleError
from palate.models.base import Recommender
from palate.release.files import check_files, refuse_pickle, sha256_of, walk
from palate.release.manifest import FORMAT, FileRecord, Manifest

__all__ = ["LoadedRelease", "digest_of", "open_bundle", "verify_bundle", "write_bundle"]

MANIFEST: Final = "manifest.json"
CHECKSUM: Final = "manifest.json.sha256"
MODEL: Final = "model"


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A release that was verified and is ready to answer.

    Attributes:
        manifest: What it is.
        model: Answers for any history; its `popularity` answers for users without one.
    """

    manifest: Manifest
    model: Recommender[Any]

    @property
    def ref(self) -> str:
        """`name:version`."""
        return self.manifest.ref


def write_bundle(folder: Path, model: Recommender[Any], manifest: Manifest) -> Manifest:
    """Save `model` and the manifest with its files' checksums into a new or empty `folder`.

    Returns:
        The manifest as written, `files` filled in.

    Raises:
        BundleError: The folder has files, or the model saved something that needs pickle.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BundleError(f"{folder} is not empty", hint="write a bundle to a new folder")
    model.save(folder / MODEL)
    files: dict[str, FileRecord] = {}
    for inside, path in sorted(walk(folder).items()):
        refuse_pickle(inside, path)
        files[inside] = FileRecord(sha256=sha256_of(path), size_bytes=path.stat().st_size)
    complete = manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_text(complete.to_json(), encoding="utf-8")
    (folder / CHECKSUM).write_text(f"{digest_of(folder)}  {MANIFEST}\n", encoding="utf-8")
    return complete


def digest_of(folder: Path) -> str:
    """SHA-256 of a bundle's manifest: it stands for all its files."""
    return sha256_of(folder / MANIFEST)


def _read_manifest(folder: Path, *, digest: str | None) -> Manifest:
    path = folder / MANIFEST
    try:
        said = (folder / CHECKSUM).read_text(encoding="utf-8").split()
        actual = digest_of(folder)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder} is not a bundle: {error}") from error
    if said != [actual, MANIFEST] or digest not in (None, actual):
        raise BundleError(
            f"{MANIFEST} was altered: its checksum differs",
            hint="fetch the bundle again, or release the model again",
        )
    return _parse(text)


def verify_bundle(folder: Path, *, digest: str | None = None) -> Manifest:
    """Check every file of a bundle without loading the model; see `open_bundle`."""
    found = walk(folder)
    manifest = _read_manifest(folder, digest=digest)
    check_files(
        {inside: path for inside, path in found.items() if inside not in (MANIFEST, CHECKSUM)},
        manifest.files,
    )
    for inside in manifest.files:
        refuse_pickle(inside, found[inside])
    return manifest


def open_bundle(folder: Path, *, digest: str | None = None) -> LoadedRelease:
    """Verify a bundle, then load its model.

    Args:
        folder: The bundle.
        digest: SHA-256 of `manifest.json` on record elsewhere; the bundle must agree.

    Raises:
        BundleError: A file is missing, unknown, truncated, altered, a link, or would need
            pickle; the bundle is of another format; the model is not the one it says.
        PluginError: The model's package is not installed.
    """
    manifest = verify_bundle(folder, digest=digest)
    model: Recommender[Any] = Recommender.load(folder / MODEL)
    if model.name != manifest.model:
        raise BundleError(f"{manifest.ref} says {manifest.model}, but holds a {model.name}")
    return LoadedRelease(manifest, model)


def _parse(text: str) -> Manifest:
    try:
        raw = json.loads(text)
        found = raw["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{MANIFEST} is not a manifest: {error}") from error
    if found != FORMAT:
        raise BundleError(
            f"the bundle has format {found}; this Palate reads {FORMAT}",
            hint="open it with the Palate that wrote it, or release the model again",
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise BundleError(f"{MANIFEST} is not a manifest: {error}") from error
