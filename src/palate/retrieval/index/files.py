"""Snapshots of an index: arrays as files that processes map and share, and what they reflect.

A folder holds `index.json` (format, metric, checksums, and what the caller says of it, such as
the space version and the log offsets) and one npy file an array. It is read by mapping: several
processes that search one snapshot share its pages, and what a process changes stays its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from palate.errors import BundleError
from palate.retrieval.index.arrays import Arrays
from palate.retrieval.index.base import Metric
from palate.retrieval.index.checksums import check, checksum
from palate.retrieval.index.clusters import Clusters
from palate.retrieval.index.kernels.scan import BLOCK
from palate.retrieval.index.lists import Lists
from palate.retrieval.index.local import LocalIndex
from palate.retrieval.index.names import NameArrays, Names
from palate.retrieval.index.reach import Reach
from palate.retrieval.index.region import mapped, rows_in

__all__ = ["read_index", "write_index"]

_FORMAT: Final = 4
_HEAD: Final = "index.json"
_SPARE: Final = 4  # address space of an array that may grow, as a multiple of its rows
_LEAST: Final = 256  # blocks of it


def write_index(index: LocalIndex, folder: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a snapshot into an empty or new folder; changes of the index wait until it is out.

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
        with index.still():
            head = {
                "format": _FORMAT,
                "metric": index.metric.value,
                "dimension": index.dimension,
                "reach": index.reach._asdict(),
                "blocks": index.lists.n_blocks,
                "names": index.names.counts,
                "about": dict(about or {}),
            }
            for name, array in _arrays(index).items():
                np.save(folder / f"{name}.npy", array)
        head["sha256"] = {path.name: checksum(path) for path in sorted(folder.iterdir())}
        (folder / _HEAD).write_text(json.dumps(head, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise BundleError(f"the snapshot {folder} cannot be written: {error}") from error


def read_index(folder: Path, *, verify: bool = True) -> tuple[LocalIndex, dict[str, Any]]:
    """The index of a snapshot, and what was said about it.

    Args:
        folder: As it was written; it stays where it is while the index is used.
        verify: Read all of it once to compare checksums. A process that opens a snapshot which
            another has verified on this machine need not, and opens it within milliseconds.

    Raises:
        BundleError: There is none, or it is damaged or of another format.
    """
    try:
        head = json.loads((folder / _HEAD).read_text())
        if head["format"] != _FORMAT:
            raise BundleError(f"{folder} has format {head['format']}; this version reads {_FORMAT}")
        if verify:
            check(folder, head["sha256"])
        index = LocalIndex(
            head["dimension"],
            Metric(head["metric"]),
            clusters=Clusters(*(_whole(folder, name) for name in Clusters._fields)),
            reach=Reach(*(tuple(head["reach"][name]) for name in Reach._fields)),
        )
        index.adopt(_lists(folder, head["blocks"]), _names(folder, head))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} holds no whole snapshot: {error}") from error
    return index, head["about"]


def _arrays(index: LocalIndex) -> dict[str, NDArray[Any]]:
    """What is kept: the rows in use, with those that searches alone may still find given up."""
    lists, names = index.lists, index.names.kept()
    rows = lists.arrays.first(lists.n_blocks)
    alive = (rows.alive == 1).astype(np.uint8)
    starts = names.starts[: lists.n_slots]
    return {
        **rows._replace(alive=alive)._asdict(),
        **names._replace(starts=starts)._asdict(),
        **index.clusters._asdict(),
    }


def _lists(folder: Path, blocks: int) -> Lists:
    room = max(_SPARE * blocks, _LEAST)
    arrays = Arrays(
        _whole(folder, "heads"),
        *(mapped(folder / f"{name}.npy", room) for name in ("following", "owner")),
        *(mapped(folder / f"{name}.npy", room * BLOCK) for name in Arrays._fields[3:]),
    )
    if rows_in(folder / "alive.npy") != blocks * BLOCK:
        raise ValueError("there are not as many rows as blocks ask for")
    return Lists(arrays, blocks)


def _names(folder: Path, head: Mapping[str, Any]) -> Names:
    rows = max(_SPARE * head["blocks"], _LEAST) * BLOCK
    heap, used = folder / "heap.npy", head["names"]["used"]
    if rows_in(heap) != used:
        raise ValueError("the heap of ids is not as long as it was")
    return Names(
        NameArrays(
            mapped(heap, _SPARE * used + _LEAST * BLOCK),
            mapped(folder / "starts.npy", rows),
            _whole(folder, "table"),
        ),
        head["names"],
    )


def _whole(folder: Path, name: str) -> NDArray[Any]:
    """An array that does not grow."""
    return mapped(folder / f"{name}.npy", 0)
