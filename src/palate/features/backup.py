"""Backup and restore of a home: log, consumer groups, dead letters, registry, releases."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from palate.config import Settings
from palate.errors import LogError, StoreError
from palate.events.log.lock import OwnerLock
from palate.events.log.sqlite import SqliteEventLog
from palate.events.pseudonyms import KEY_FILE
from palate.store.backup import (
    Manifest,
    copy_database,
    make_backup,
    restore_backup,
)
from palate.store.database import REGISTRY
from palate.store.lmdb_store import LmdbStore

__all__ = ["backup_home", "restore_home"]

_EVENTS: Final = "events"
_BASE: Final = "base"
_OBJECTS: Final = "objects"
_LOG: Final = f"{_EVENTS}/log.sqlite"
# A group that is ahead of the copied log is taken back when the log is opened, so groups come
# after the log; the base reaches to where the log begins, or further, so it does as well. The
# registry names releases that were published before, so releases come after the registry.
_DATABASES: Final = (_LOG, f"{_LOG}.groups", f"{_EVENTS}/dead.sqlite", REGISTRY)
_PARTS: Final = (_EVENTS, _BASE, REGISTRY, _OBJECTS, KEY_FILE)
_REBUILT: Final = ("state", f"{REGISTRY}-wal", f"{REGISTRY}-shm")


def backup_home(home: Path, target: Path, *, overwrite: bool = False) -> Manifest:
    """Copy what `home` keeps to the new folder `target`, while a service may be writing.

    The state is left out: it is rebuilt from the log. So are the settings, which stand beside a
    home, not in it.

    Args:
        home: With a log.
        target: Made; holds secrets (hashed keys, the key of pseudonyms), so only its owner may
            look into it.
        overwrite: Replace an older backup there.

    Raises:
        StoreError: There is no log; a file is damaged; `target` exists or cannot be written.
    """
    if not (home / _LOG).exists():
        raise StoreError(f"no event log in {home}", hint="there is nothing to back up")

    def fill(folder: Path) -> dict[str, Any]:
        (folder / _EVENTS).mkdir()
        for name in _DATABASES:
            if (home / name).exists():
                copy_database(home / name, folder / name)
        if (home / _BASE / "data.mdb").exists():
            (folder / _BASE).mkdir()
            with LmdbStore(home / _BASE, read_only=True) as base:
                base.copy(folder / _BASE)
        if (home / _OBJECTS).exists():
            shutil.copytree(home / _OBJECTS, folder / _OBJECTS, ignore=shutil.ignore_patterns(".*"))
        if (home / KEY_FILE).exists():
            secret = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(secret, "wb") as file:
                file.write((home / KEY_FILE).read_bytes())
        return _about(folder)

    return make_backup(target, fill, parts=_PARTS, overwrite=overwrite)


def _about(folder: Path) -> dict[str, Any]:
    """What the copies hold; that log and base belong together."""
    with SqliteEventLog(folder / _LOG, read_only=True) as log:
        start, head = log.start(), log.head()
    base: int | None = None
    if (folder / _BASE).exists():
        with LmdbStore(folder / _BASE, read_only=True) as store:
            base = store.offset()
        (folder / _BASE / "lock.mdb").unlink(missing_ok=True)
    if (start > 1 or base) and not start - 1 <= (base or 0) <= head:
        raise StoreError(
            f"the log was copied from offset {start} to {head}, the base at {base}: they do not "
            "fit",
            hint="try again: the log was being trimmed",
        )
    return {"log_start": start, "log_head": head, "base_offset": base}


def restore_home(
    folder: Path, home: Path, settings: Settings, *, overwrite: bool = False
) -> Manifest:
    """Put a backup in the place of what `home` holds, and rebuild the state.

    Args:
        folder: A backup.
        home: That no process uses.
        settings: For the state that is rebuilt.
        overwrite: Replace what `home` holds.

    Raises:
        LogError: A process owns the log of `home`.
        StoreError: The backup is not whole, or `home` holds something and `overwrite` was not
            said; nothing was changed.
    """
    from palate.features.ingest import open_ingest

    with ExitStack() as held:
        lock = home / f"{_LOG}.lock"
        if lock.exists():
            try:
                held.callback(OwnerLock(lock).release)
            except LogError as error:
                raise LogError(
                    f"{error.message}; nothing was restored",
                    hint="stop the service on this home first",
                ) from error
        manifest = restore_backup(folder, home, rebuilt=_REBUILT, overwrite=overwrite)
    open_ingest(home, settings).close()
    return manifest
