"""Writes an LMDB environment anew, so that no file holds a byte of what was deleted.

LMDB never overwrites: deleted values stay in free pages, and in the gaps of pages that are in use.
So what lives is copied into a new folder, which takes the place of the old one. Processes that have
the old one open find a mark in it with their next transaction, and open the folder again.

The copy is made a page of pairs at a time while the environment is written; keys that are written
meanwhile are noted and copied once more. Writes wait only for the last few of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from palate._optional import require
from palate.errors import StoreError
from palate.store import boot
from palate.store.lmdb_environment import MOVED, Environment, open_files

__all__ = ["rewriting", "settle"]

_BATCH: Final = 1_000  # pairs in one transaction: some milliseconds
_NEAR: Final = 200  # keys that may be left for the moment of the change
_ROUNDS: Final = 100  # of copying what was written meanwhile, before writes wait for the rest
_FRESH: Final = ".fresh"  # being written
_STALE: Final = ".stale"  # was replaced; goes away

Pairs = list[tuple[bytes, bytes | None]]


def rewriting(environment: Environment) -> Iterator[None]:
    """Replace the files of `environment` by a copy of what lives in them, a step at a time.

    For the one process that writes. It is done when the iterator ends; where it is closed before,
    nothing was replaced. Readers in other processes see each state either in the old files or in
    the new ones.

    Yields:
        Between two steps.

    Raises:
        StoreError: The disk is full, the folder cannot be moved, or the environment was emptied
            meanwhile; nothing was replaced.
    """
    folder = environment.folder
    fresh, stale = _beside(folder)
    target: _Target | None = None
    try:
        with environment.lock:
            for left in (fresh, stale):  # of one that failed
                shutil.rmtree(left, ignore_errors=True)
            _check_room(folder)
            fresh.mkdir()
            target = _Target(fresh, environment.handle.info()["map_size"])
            environment.touched = set()
            if environment.marked:
                boot.mark(fresh, boot.boot_id())
        for _ in _copied(environment, target):
            yield
        with environment.lock:
            if environment.touched is None:
                raise StoreError(f"{folder} was emptied while it was written anew")
            target.put(_read(environment, sorted(environment.touched)))
            target.finish(_about(environment), flushed=environment.durable)
            target = None
            _change_places(environment)
        _flush(folder.parent)
        shutil.rmtree(stale)
    except OSError as error:
        settle_names(folder)
        raise StoreError(
            f"cannot write {folder} anew: {error}", hint="free disk space beside it"
        ) from error
    finally:
        environment.touched = None
        if target is not None:
            target.close()
            shutil.rmtree(fresh, ignore_errors=True)


def _check_room(folder: Path) -> None:
    """Refuse to begin what would fill the disk half way: writes would be refused then."""
    size, free = (folder / "data.mdb").stat().st_size, shutil.disk_usage(folder.parent).free
    if free < size:
        raise StoreError(
            f"cannot write {folder} anew: {free / 1e6:,.0f} MB are free beside it, and it may "
            f"take {size / 1e6:,.0f} MB",
            hint="free disk space; it is tried again",
        )


def _copied(environment: Environment, target: _Target) -> Iterator[None]:
    """Copy every pair, then those that were written meanwhile, until few are left."""
    after = b""
    while pairs := environment.run(_page_after(environment, after), write=False):
        target.append(pairs)
        after = pairs[-1][0]
        yield
    for _ in range(_ROUNDS):
        with environment.lock:
            if environment.touched is None or len(environment.touched) <= _NEAR:
                break
            keys, environment.touched = sorted(environment.touched), set()
        for start in range(0, len(keys), _BATCH):
            target.put(_read(environment, keys[start : start + _BATCH]))
            yield
    target.flush()  # so that little is left to flush while writes wait


def _page_after(
    environment: Environment, after: bytes
) -> Callable[[Any], list[tuple[bytes, bytes]]]:
    def page(transaction: Any) -> list[tuple[bytes, bytes]]:
        cursor = transaction.cursor(db=environment.state)
        found = cursor.set_range(after) if after else cursor.first()
        if found and cursor.key() == after:
            found = cursor.next()
        return list(islice(cursor.iternext(), _BATCH)) if found else []

    return page


def _read(environment: Environment, keys: Sequence[bytes]) -> Pairs:
    return environment.run(
        lambda transaction: [(key, transaction.get(key, None, environment.state)) for key in keys],
        write=False,
    )


def _about(environment: Environment) -> list[tuple[bytes, bytes]]:
    """What the environment says of itself."""
    return environment.run(lambda t: list(t.cursor(db=environment.meta)), write=False)


class _Target:
    """The new files; whatever goes wrong with them, they are thrown away."""

    def __init__(self, folder: Path, map_bytes: int) -> None:
        self._folder = folder
        self._lmdb: Any = require("lmdb", extra="serve")
        self._handle, self._state, self._meta = open_files(
            folder, durable=False, map_bytes=map_bytes
        )

    def append(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Pairs in order of their keys, behind all that are there."""
        self._run(lambda t: t.cursor(db=self._state).putmulti(pairs, append=True))

    def put(self, pairs: Pairs) -> None:
        """Pairs, or for None what is there no more."""

        def put(transaction: Any) -> None:
            for key, value in pairs:
                if value is None:
                    transaction.delete(key, db=self._state)
                else:
                    transaction.put(key, value, db=self._state)

        self._run(put)

    def flush(self) -> None:
        """Have all of it on disk."""
        try:
            self._handle.sync(force=True)
        except self._lmdb.Error as error:
            raise _refused(self._folder, error) from error

    def finish(self, about: list[tuple[bytes, bytes]], *, flushed: bool) -> None:
        """Put what the environment says of itself; flush where that is promised, and close."""
        self._run(lambda t: t.cursor(db=self._meta).putmulti(about))
        if flushed:
            self.flush()
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._handle.close()

    def _run(self, work: Callable[[Any], object]) -> None:
        while True:
            try:
                with self._handle.begin(write=True) as transaction:
                    work(transaction)
                return
            except self._lmdb.MapFullError:
                self._handle.set_mapsize(self._handle.info()["map_size"] * 2)
            except self._lmdb.Error as error:
                raise _refused(self._folder, error) from error


def _refused(folder: Path, error: Exception) -> StoreError:
    return StoreError(f"cannot write {folder}: {error}", hint="free disk space")


def _change_places(environment: Environment) -> None:
    folder = environment.folder
    fresh, stale = _beside(folder)
    folder.rename(stale)
    fresh.rename(folder)
    environment.mark_moved()
    environment.reopen()
    if environment.durable:  # what is written into the new files must not be lost with the names
        _flush(folder.parent)


def settle(folder: Path) -> None:
    """Finish, or undo, a rewriting that was cut short; before `folder` is opened for writing."""
    _, stale = _beside(folder)
    settle_names(folder)
    if stale.exists():
        # Readers may have it open still: they must not go on reading what nobody writes.
        handle, _, meta = open_files(stale, durable=False)
        with handle.begin(write=True) as transaction:
            transaction.put(MOVED, b"", db=meta)
        handle.close()
        shutil.rmtree(stale)


def settle_names(folder: Path) -> None:
    """Put the old folder back where no new one took its place; drop half a copy."""
    fresh, stale = _beside(folder)
    if stale.exists() and not folder.exists():
        stale.rename(folder)
    shutil.rmtree(fresh, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(folder.name + _FRESH), folder.with_name(folder.name + _STALE)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
