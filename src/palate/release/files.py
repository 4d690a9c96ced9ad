"""The files of a bundle: which kinds it may hold, and the digest of each."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import numpy as np

from palate.errors import BundleError
from palate.release.manifest import FileRecord

__all__ = ["check_files", "refuse_pickle", "sha256_of", "walk"]

# What is parsed without running anything and can name no other file: JSON and plain arrays. A net
# in ONNX may keep its weights in whatever path it names (external data): whoever adds it here must
# refuse that first.
KINDS: Final = frozenset({".json", ".npz", ".npy"})
_AGAIN: Final = "fetch the bundle again, or release the model again"


def walk(folder: Path) -> dict[str, Path]:
    """Every file under `folder` by its path inside, parts joined by `/`.

    Raises:
        BundleError: The folder is missing, or holds a link, a device, or another special file.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise BundleError(f"{folder} is not a bundle: there is no such folder")
    found: dict[str, Path] = {}
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                inside = path.relative_to(folder).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found[inside] = path
                else:
                    raise BundleError(f"{inside} in {folder} is a link or a special file")
    return found


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(found: Mapping[str, Path], expected: Mapping[str, FileRecord]) -> None:
    """Compare what is there with what the manifest names; nothing is parsed.

    Raises:
        BundleError: Names the first file that is missing, unknown, truncated or altered.
    """
    for inside in sorted(expected.keys() - found.keys()):
        raise BundleError(f"the bundle lacks {inside}", hint=_AGAIN)
    for inside in sorted(found.keys() - expected.keys()):
        raise BundleError(f"the bundle holds {inside}, which its manifest does not name")
    for inside, record in sorted(expected.items()):
        size = found[inside].stat().st_size
        if size != record.size_bytes:
            raise BundleError(
                f"{inside} has {size} bytes where the manifest says {record.size_bytes}",
                hint=_AGAIN,
            )
        if sha256_of(found[inside]) != record.sha256:
            raise BundleError(f"{inside} was altered: its checksum differs", hint=_AGAIN)


def refuse_pickle(inside: str, path: Path) -> None:
    """Refuse a file that could only be read by running what it says.

    Raises:
        BundleError: It is of another kind than `KINDS`, or keeps Python objects in arrays.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise BundleError(
            f"{inside} is of a kind that bundles do not hold",
            hint=f"a model saves {', '.join(sorted(KINDS))}",
        )
    try:
        if kind == ".npy":
            with path.open("rb") as file:
                _refuse_objects(inside, file)
        elif kind == ".npz":
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    with archive.open(member) as file:
                        _refuse_objects(f"{inside}, array {member},", file)
    except (ValueError, zipfile.BadZipFile) as error:
        raise BundleError(f"{inside} is not an array file: {error}") from error


def _refuse_objects(what: str, file: IO[bytes]) -> None:
    version = np.lib.format.read_magic(file)
    # Layout 3.0 is 2.0 in another encoding.
    header = (
        np.lib.format.read_array_header_1_0(file)
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0(file)
    )
    if header[2].hasobject:
        raise BundleError(f"{what} holds Python objects, which would need pickle")
