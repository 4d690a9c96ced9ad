"""Snapshots of an index: arrays as files that processes map and share, and what they reflect.

A folder holds `index.json` (format, metric, checksums, and what the caller says of it, such as
the space version and the log offsets), one npy file an array, and the ids. It is read by
mapping: several processes that search one snapshot share its pages, and what a process changes
stays its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from palate.errors import BundleError
from palate.retrieval.index.base import Metric
from palate.retrieval.index.lists import Arrays, Lists
from palate.retrieval.index.local import LocalIndex

__all__ = ["read_index", "write_index"]

_FORMAT: Final = 1
_HEAD: Final = "index.json"
_IDS: Final = "ids.json"


def write_index(index: LocalIndex, folder: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a snapshot into an empty or new folder; the index must not change meanwhile.

    Args:
        index: What to keep.
        folder: Made where it is missing.
        about: Plain values that `read_index` gives back: space version, log offsets.

    Raises:
        BundleError: The folder holds something already, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BundleError(f"{folder} is not empty", hint="give a new folder")
        arrays = {**index.lists.arrays._asdict(), "owner": index.lists.owner}
        arrays["centroids"] = index.centroids
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        (folder / _IDS).write_text(json.dumps(index.slots))
        head = {
            "format": _FORMAT,
            "metric": index.metric.value,
            "dimension": index.dimension,
            "probes": index.probes,
            "about": dict(about or {}),
            "sha256": {path.name: _checksum(path) for path in sorted(folder.iterdir())},
        }
        (folder / _HEAD).write_text(json.dumps(head, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise BundleError(f"the snapshot {folder} cannot be written: {error}") from error


def read_index(folder: Path) -> tuple[LocalIndex, dict[str, Any]]:
    """The index of a snapshot, and what was said about it.

    Raises:
        BundleError: There is none, or it is damaged or of another format.
    """
    try:
        head = json.loads((folder / _HEAD).read_text())
        if head["format"] != _FORMAT:
            raise BundleError(f"{folder} has format {head['format']}; this version reads {_FORMAT}")
        for name, checksum in head["sha256"].items():
            if _checksum(folder / name) != checksum:
                raise BundleError(
                    f"{name} in the snapshot {folder} is not the file that was written",
                    hint="fetch it again, or go on with the one before",
                )
        index = LocalIndex(
            head["dimension"],
            Metric(head["metric"]),
            centroids=_mapped(folder, "centroids"),
            probes=head["probes"],
        )
        arrays = Arrays(*(_mapped(folder, name) for name in Arrays._fields))
        lists = Lists(arrays, _mapped(folder, "owner"))
        index.adopt(lists, json.loads((folder / _IDS).read_text()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} holds no whole snapshot: {error}") from error
    return index, head["about"]


def _mapped(folder: Path, name: str) -> Any:
    """An array whose pages are read when they are used, and copied when they are changed."""
    return np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
