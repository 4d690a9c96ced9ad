"""Writes an LMDB environment anew, so that no file holds a byte of what was deleted.

LMDB never overwrites: deleted values stay in free pages, and in the gaps of pages that are in use.
So what lives is copied into a new folder, which takes the place of the old one. Processes that have
the old one open find a mark in it with their next transaction, and open the folder again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from palate.errors import StoreError
from palate.store import boot
from palate.store.lmdb_environment import MOVED, Environment, open_files

__all__ = ["rewrite", "settle"]

_BATCH: Final = 20_000  # pairs in one transaction
_FRESH: Final = ".fresh"  # being written
_STALE: Final = ".stale"  # was replaced; goes away


def rewrite(environment: Environment) -> None:
    """Replace the files of `environment` by a copy of what lives in them.

    For the one process that writes. Its transactions wait; readers in other processes do not,
    and see each state either in the old files or in the new ones.

    Raises:
        StoreError: The disk is full, or the folder cannot be moved; nothing was replaced.
    """
    folder = environment.folder
    fresh, stale = _beside(folder)
    with environment.lock:
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            _copy(environment, fresh)
            if environment.marked:
                boot.mark(fresh, boot.boot_id())
            folder.rename(stale)
            fresh.rename(folder)
            _flush(folder.parent)
        except OSError as error:
            settle_names(folder)
            raise StoreError(
                f"cannot write {folder} anew: {error}", hint="free disk space beside it"
            ) from error
        environment.mark_moved()
        environment.reopen()
        shutil.rmtree(stale)


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


def _copy(environment: Environment, fresh: Path) -> None:
    """All pairs in order, into files that were never anything else."""
    size = environment.handle.info()["map_size"]
    handle, state, meta = open_files(fresh, durable=False, map_bytes=size)
    with environment.handle.begin() as source:
        for mine, other in ((environment.state, state), (environment.meta, meta)):
            pairs: Iterator[Any] = iter(source.cursor(db=mine))
            while part := list(islice(pairs, _BATCH)):
                with handle.begin(write=True, db=other) as target:
                    target.cursor(db=other).putmulti(part, append=True)
    handle.sync(force=True)
    handle.close()


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
