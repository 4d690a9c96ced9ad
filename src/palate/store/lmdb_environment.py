"""One LMDB environment per folder and process: its map grows, dead readers are cleared away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from palate._optional import require
from palate.errors import StoreError
from palate.store import boot

__all__ = ["MOVED", "Environment", "closed", "is_open", "open_files", "opened"]

T = TypeVar("T")

_FIRST_MAP_BYTES: Final = 64 << 20  # of address space; the file grows only as it is used
_MAX_READERS: Final = 1022  # threads that read at once, over all processes
MOVED: Final = b"moved"  # among what it says of itself: another folder took this one's place
_open: dict[Path, Environment] = {}
_open_lock: Final = threading.Lock()


class Environment:
    """What LMDB allows once per process and file; `opened` hands it out and counts its users.

    The map may be resized only while this process has no transaction, so transactions take
    `lock` one after another: they last microseconds and hold Python's own lock anyway.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._lmdb = require("lmdb", extra="serve")
        self.folder = folder
        self.users = 0
        self.durable = durable  # flushed at every commit
        self.marked = False  # as written to and not yet flushed
        self.touched: set[bytes] | None = None  # keys written while it is copied; None: it is not
        self.lock = threading.RLock()
        self._passing: tuple[type[Exception], ...] = (
            self._lmdb.MapFullError,
            self._lmdb.MapResizedError,
            self._lmdb.ReadersFullError,
        )
        self.handle, self.state, self.meta = open_files(folder, durable=durable)

    def run(self, action: Callable[[Any], T], *, write: bool) -> T:
        """The result of `action(transaction)`; run again where the map was too small.

        Raises:
            StoreError: The disk is full, or the files are damaged.
        """
        with self.lock:
            try:
                while True:
                    try:
                        with self.handle.begin(write=write) as transaction:
                            if transaction.get(MOVED, None, self.meta) is None:
                                return action(transaction)
                        self.reopen()
                    except self._passing as error:
                        self._make_room(error)
            except self._lmdb.Error as error:
                raise StoreError(
                    f"the online store {self.folder} failed: {error}",
                    hint="free disk space; a damaged store may be deleted: it is rebuilt from "
                    "the event log",
                ) from error

    def copy(self, folder: Path) -> None:
        """Copy what is committed now into the empty folder `folder`, without free pages.

        Raises:
            StoreError: The disk is full, or the files are damaged.
        """
        with self.lock:
            try:
                self.handle.copy(str(folder), compact=True)
            except self._lmdb.Error as error:
                raise StoreError(
                    f"cannot copy the online store {self.folder}: {error}",
                    hint="free disk space, or copy to another disk",
                ) from error

    def mark_moved(self) -> None:
        """Tell every process that has these files open that others took their place."""
        with self.handle.begin(write=True) as transaction:
            transaction.put(MOVED, b"", db=self.meta)

    def reopen(self) -> None:
        """Open what stands in the folder now; within `lock`, and without a transaction.

        Raises:
            StoreError: It cannot be opened.
        """
        self.handle.close()
        self.handle, self.state, self.meta = open_files(self.folder, durable=self.durable)

    def _make_room(self, error: Exception) -> None:
        """Do what lets the transaction succeed when it is run again, or raise `error`."""
        cleared = self.handle.reader_check()  # a dead reader holds pages and a slot back
        if isinstance(error, self._lmdb.MapFullError):
            self.handle.set_mapsize(self.handle.info()["map_size"] * 2)
        elif isinstance(error, self._lmdb.MapResizedError):
            self.handle.set_mapsize(0)  # another process made it larger: take its size
        elif cleared == 0:
            raise error


def open_files(
    folder: Path, *, durable: bool, map_bytes: int = _FIRST_MAP_BYTES
) -> tuple[Any, Any, Any]:
    """LMDB's environment in `folder`, and its databases of the state and of what it says of it.

    Args:
        folder: There already.
        durable: Flushed at every commit. Where it is not: the kernel keeps what a killed process
            wrote, and after a power cut the folder is thrown away and replayed from the log
            (`boot.py`).
        map_bytes: Address space to begin with.

    Raises:
        StoreError: It cannot be opened.
    """
    lmdb: Any = require("lmdb", extra="serve")
    try:
        handle = lmdb.open(
            str(folder),
            map_size=map_bytes,
            max_dbs=2,
            max_readers=_MAX_READERS,
            sync=durable,
            writemap=False,
            readahead=False,
        )
        handle.reader_check()
        return handle, handle.open_db(b"state"), handle.open_db(b"meta")
    except (lmdb.Error, OSError) as error:
        raise StoreError(
            f"cannot open the online store {folder}: {error}",
            hint="a damaged store may be deleted: it is rebuilt from the event log",
        ) from error


def opened(folder: Path, *, write: bool, durable: bool = False) -> Environment:
    """The environment of `folder`, shared by all its users in this process.

    Args:
        folder: Made where it is missing and to be written.
        write: Whether it will be written: it is then emptied if a power cut may have torn it.
        durable: Every commit is flushed, so that no power cut can tear it.

    Raises:
        StoreError: The folder or its files cannot be opened.
    """
    with _open_lock:
        try:
            if write:
                folder.mkdir(parents=True, exist_ok=True)
            real = folder.resolve()
            environment = _open.get(real)
            if write and not durable and (environment is None or not environment.marked):
                current = boot.boot_id()
                if environment is None:
                    boot.wipe_if_torn(real, current)
                boot.mark(real, current)
        except OSError as error:
            raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
        if environment is None:
            environment = _open[real] = Environment(real, durable=durable)
        environment.marked |= write and not durable
        environment.users += 1
        return environment


def is_open(folder: Path) -> bool:
    """Whether this process has `folder` open."""
    with _open_lock:
        return folder.resolve() in _open


def closed(environment: Environment) -> None:
    """Count one user less; the last one flushes and closes the files."""
    with _open_lock, environment.lock:
        environment.users -= 1
        if environment.users:
            return
        environment.handle.sync(force=True)
        environment.handle.close()
        del _open[environment.folder]
        if environment.marked:
            boot.unmark(environment.folder)
