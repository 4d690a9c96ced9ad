"""Backup and restore of a home: log, groups, registry, releases, embeddings, snapshots."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing
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
from palate.store.folder_store import FolderStore
from palate.store.lmdb_store import LmdbStore

__all__ = ["backup_home", "restore_home"]

_EVENTS: Final = "events"
_BASE: Final = "base"
_OBJECTS: Final = "objects"
_LOG: Final = f"{_EVENTS}/log.sqlite"
_EMBEDDINGS: Final = "embeddings"
_TOPIC: Final = f"{_EMBEDDINGS}/log.sqlite"
_SNAPSHOTS: Final = "index/"
# What is copied later reflects as much as what was copied before, or more. Groups come before
# what they say was done: a consumer that was ahead reads some records again, the embedder too.
# The registry says how far the embedder is and what snapshots the topic goes on from, so it comes
# before the topic; the topic reflects no more than the log; the base reaches to where the log
# begins, or further. The registry names releases that were published before, so objects come last.
_DATABASES: Final = (
    REGISTRY,
    f"{_LOG}.groups",
    f"{_TOPIC}.groups",
    _TOPIC,
    _LOG,
    f"{_EVENTS}/dead.sqlite",
)
_PARTS: Final = (_EVENTS, _BASE, REGISTRY, _OBJECTS, KEY_FILE, _EMBEDDINGS)
# Embeddings follow from the log, too, where a backup has none.
_REBUILT: Final = ("state", f"{REGISTRY}-wal", f"{REGISTRY}-shm", _EMBEDDINGS)


def backup_home(home: Path, target: Path, *, overwrite: bool = False) -> Manifest:
    """Copy what `home` keeps to the new folder `target`, while a service may be writing.

    The state is left out: it is rebuilt from the log. So are the settings, which stand beside a
    home, not in it. The topic `item_embeddings` and the snapshots of indexes are in it, for to
    embed millions of items again takes long.

    Args:
        home: With a log.
        target: Made; holds secrets (hashed keys, the key of pseudonyms), so only its owner may
            look into it.
        overwrite: Replace an older backup there.

    Raises:
        StoreError: There is no log; a file is damaged; `target` exists or cannot be written; what
            has to fit changed twice meanwhile.
    """
    if not (home / _LOG).exists():
        raise StoreError(f"no event log in {home}", hint="there is nothing to back up")

    def fill(folder: Path) -> dict[str, Any]:
        objects = FolderStore(home / _OBJECTS)
        newest: dict[str, str] = {}
        for name in _DATABASES:
            if (home / name).exists():
                (folder / name).parent.mkdir(exist_ok=True)
                copy_database(home / name, folder / name)
            if name == REGISTRY:  # whose pointers name these
                newest = {key.rpartition("/")[0]: key for key in objects.keys(_SNAPSHOTS)}
        if (home / _BASE / "data.mdb").exists():
            (folder / _BASE).mkdir()
            with LmdbStore(home / _BASE, read_only=True) as base:
                base.copy(folder / _BASE)
        for key in objects.keys(""):
            _copy_object(objects, key, folder / _OBJECTS / key)
        for key in newest.values():
            if not (folder / _OBJECTS / key).exists():
                raise StoreError(f"{key} was replaced and removed meanwhile", hint="try again")
        if (home / KEY_FILE).exists():
            secret = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(secret, "wb") as file:
                file.write((home / KEY_FILE).read_bytes())
        return _about(folder)

    return make_backup(target, fill, parts=_PARTS, overwrite=overwrite)


def _copy_object(objects: FolderStore, key: str, target: Path) -> None:
    """Copy a published object whole, or not at all where it is erased meanwhile."""
    try:
        shutil.copytree(objects.root / key, target)
    except (FileNotFoundError, shutil.Error):
        if objects.exists(key):
            raise
        shutil.rmtree(target, ignore_errors=True)


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
        LogError: A process owns the log of `home`, or embeds its items.
        StoreError: The backup is not whole, or `home` holds something and `overwrite` was not
            said; nothing was changed.
    """
    from palate.features.ingest import open_ingest, open_state

    with ExitStack() as held:
        for owned in (_LOG, _TOPIC):
            lock = home / f"{owned}.lock"
            if not lock.exists():
                continue
            try:
                held.callback(OwnerLock(lock).release)
            except LogError as error:
                raise LogError(
                    f"{error.message}; nothing was restored",
                    hint="stop the service on this home first",
                ) from error
        manifest = restore_backup(folder, home, rebuilt=_REBUILT, overwrite=overwrite)
    if settings.store.url is not None:  # a server keeps the state of what was here before
        with closing(open_state(home, settings, read_only=False)) as state:
            state.store.clear()
    open_ingest(home, settings).close()
    return manifest
