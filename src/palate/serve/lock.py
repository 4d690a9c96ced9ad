"""One service a home: the lock that says so, and whether somebody holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from palate import __version__
from palate.errors import StoreError
from palate.serve.layout import Layout

__all__ = ["RunningService", "announce", "only_service", "running_service"]


class RunningService(msgspec.Struct, frozen=True):
    """What a running service says of itself in its lock file."""

    pid: int
    url: str
    version: str = ""


@contextmanager
def only_service(home: Path) -> Iterator[int]:
    """Be the service of `home` until left; gives the lock's descriptor, for `announce`.

    The lock goes with the process, however that ends.

    Raises:
        StoreError: Another service holds it; says which.
    """
    layout = Layout(home)
    layout.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = _read(layout.lock)
            where = "" if other is None else f" (process {other.pid}, {other.url})"
            raise StoreError(
                f"another service runs on {home}{where}",
                hint="stop it, or choose another --home",
            ) from error
        os.ftruncate(descriptor, 0)
        yield descriptor
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def announce(descriptor: int, url: str) -> None:
    """Write down who holds the lock."""
    os.pwrite(descriptor, msgspec.json.encode(RunningService(os.getpid(), url, __version__)), 0)


def running_service(home: Path) -> RunningService | None:
    """The service that runs on `home` now, or None."""
    path = Layout(home).lock
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path) or RunningService(0, "")
    else:
        return None
    finally:
        os.close(descriptor)


def _read(path: Path) -> RunningService | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunningService)
    except (OSError, msgspec.DecodeError):
        return None  # it has only just begun
