"""Checksums of a snapshot's files, compared beside requests without taking their time.

To read and hash a snapshot of two million items takes half a second of a processor, in each worker
and at each snapshot. It waits for nobody and nobody waits for it, so it gives way.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from palate.errors import BundleError

__all__ = ["check", "checksum"]

# Steps of niceness: a third of what a thread that answers gets, where both want a processor. Not
# less: now and then it holds the interpreter, and then who answers waits for it.
_NICER: Final = 5


def checksum(path: Path) -> str:
    """Hex SHA-256 of a file, read in blocks; the interpreter is free meanwhile.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, checksums: Mapping[str, str]) -> None:
    """Compare the files of a folder with what they were, and return when all are compared.

    That is done in a thread of its own, which lets others go first where the system can: a thread
    that gave way once would have to ask for its place back.

    Args:
        folder: With the files.
        checksums: Their names, and hex SHA-256.

    Raises:
        BundleError: One is another file than was written.
        OSError: One is missing, or cannot be read.
    """
    with ThreadPoolExecutor(1, "palate-check", initializer=_give_way) as beside:
        beside.submit(_compare, folder, checksums).result()


def _compare(folder: Path, checksums: Mapping[str, str]) -> None:
    for name, expected in checksums.items():
        if checksum(folder / name) != expected:
            raise BundleError(
                f"{name} in the snapshot {folder} is not the file that was written",
                hint="fetch it again, or go on with the one before",
            )


def _give_way() -> None:
    """Of this thread alone: elsewhere than on Linux niceness is the whole process's."""
    if sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):  # forbidden here: then it goes on as it is
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + _NICER)
