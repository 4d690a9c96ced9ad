"""Whether a folder that is written without flushing may be trusted: a marker and the boot's id.

Files written by a process that was killed are whole: the kernel has them. After a power cut
or a crash of the kernel they may be torn. The marker holds the id of the boot under which
the folder was last opened for writing, and goes away when it was flushed and closed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

__all__ = ["mark", "unmark", "wipe_if_torn"]

_MARKER: Final = "unflushed"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")  # Linux; others have none


def boot_id() -> str:
    """An id of this boot of the machine; empty where the system names none."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def wipe_if_torn(folder: Path, boot: str) -> bool:
    """Remove everything in `folder` where it may be torn; whether that was done.

    Where the system names no boot, any close that was not clean counts.
    """
    marker = folder / _MARKER
    if not marker.exists() or (boot and marker.read_text() == boot):
        return False
    for path in sorted(folder.iterdir(), key=lambda path: path == marker):  # the marker last
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return True


def mark(folder: Path, boot: str) -> None:
    """Say that `folder` is being written under `boot`; on disk before this returns."""
    with (folder / _MARKER).open("w") as file:
        file.write(boot)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unmark(folder: Path) -> None:
    """Say that all of `folder` was flushed."""
    (folder / _MARKER).unlink(missing_ok=True)
