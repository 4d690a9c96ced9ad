"""The lock that makes one process the owner of a log: an flock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from palate.errors import LogError

__all__ = ["OwnerLock"]


class OwnerLock:
    """An exclusive lock on `path`, held until `release` or the end of the process.

    The kernel drops it on any death, `kill -9` included, so that it is never stale. The file
    names the holder's process id and is left in place: removing it would let two holders in.

    Raises:
        LogError: Somebody else holds it (the message names the process), or the file cannot
            be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogError(f"cannot write {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise LogError(
                f"the event log is already open for writing: {path} is held by process "
                f"{holder or 'unknown'}",
                hint="stop that process, hand it the events, or open the log with read_only=True",
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next owner in."""
        os.close(self._file)
