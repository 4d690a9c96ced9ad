"""Copies of files that are in use: made whole, proved by checksum, put back whole or not at all.

A backup is a folder with the files and `manifest.json`. It appears under its name when it is
complete. A restore first copies and proves everything beside the files in use, then notes that it
is ready, then swaps; one that was cut short while it swapped is finished by `finish_restore`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from palate.errors import StoreError

__all__ = [
    "MANIFEST",
    "File",
    "Manifest",
    "copy_database",
    "finish_restore",
    "make_backup",
    "restore_backup",
    "verify_backup",
]

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1  # raise it with any change of what a backup is
_STAGE: Final = ".restore"  # in the home that is restored
_READY: Final = "ready.json"  # in the stage, once all of it is proved
_CHUNK: Final = 1 << 20


class File(msgspec.Struct, frozen=True):
    """A file of a backup."""

    sha256: str
    bytes: int
    mode: int = 0o644


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds.

    Attributes:
        format: Of the backup.
        made_at: ISO 8601, UTC.
        parts: Names at the top of a home that it replaces; those without files are removed.
        files: By path relative to the home.
        about: Whatever its maker says of it.
    """

    format: int
    made_at: str
    parts: tuple[str, ...]
    files: dict[str, File]
    about: dict[str, Any] = {}

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(file.bytes for file in self.files.values())


class _Swap(msgspec.Struct, frozen=True):
    """Names at the top of a home: what goes, and what is put in its place."""

    remove: list[str]
    put: list[str]


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database from one moment, while others write to it; proved to be whole.

    Raises:
        StoreError: It is damaged, or the disk is full.
    """
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
            closing(sqlite3.connect(target)) as copy,
        ):
            reader.backup(copy)  # in one step: a snapshot of the write-ahead log
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            problems = [row[0] for row in copy.execute("PRAGMA quick_check")]
    except sqlite3.Error as error:
        raise StoreError(f"cannot copy {source}: {error}") from error
    if problems != ["ok"]:
        raise StoreError(f"{source} is damaged: {problems[0]}", hint="palate doctor")


def make_backup(
    target: Path,
    fill: Callable[[Path], dict[str, Any]],
    *,
    parts: Iterable[str],
    overwrite: bool = False,
) -> Manifest:
    """Make a backup at `target`.

    Args:
        target: A folder that does not exist, or an older backup with `overwrite`.
        fill: Copies the files into the folder it is given; what it returns becomes `about`.
        parts: Names at the top of a home that a restore replaces.
        overwrite: Replace an older backup, once the new one is complete.

    Raises:
        StoreError: The target exists, or cannot be written. Nothing is there under its name
            then that was not there before.
    """
    _refuse_taken(target, overwrite=overwrite)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.mkdir(mode=0o700, parents=True)
        about = fill(draft)
        files = {path: _described(draft / path) for path in _files(draft)}
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(FORMAT, made_at, tuple(parts), files, about)
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        (draft / MANIFEST).write_bytes(text + b"\n")
        _flush_tree(draft)
        if target.exists():
            old = target.with_name(f".{target.name}.{os.getpid()}.old")
            target.rename(old)
            draft.rename(target)
            shutil.rmtree(old)
        else:
            draft.rename(target)
        _flush(target.absolute().parent)
    except OSError as error:
        raise StoreError(f"cannot write the backup {target}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def verify_backup(folder: Path) -> Manifest:
    """What the backup in `folder` holds, after comparing every byte with its checksums.

    Raises:
        StoreError: It is no backup, of another version, or a file is missing, altered or new.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise StoreError(f"{folder} is no backup: it has no {MANIFEST}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"the backup {folder} has a damaged {MANIFEST}: {error}") from error
    if manifest.format != FORMAT:
        raise StoreError(
            f"the backup {folder} has format {manifest.format}; this Palate reads {FORMAT}",
            hint="use the version of Palate that made it",
        )
    _prove(folder, manifest, besides={MANIFEST})
    return manifest


def restore_backup(
    folder: Path, home: Path, *, rebuilt: Iterable[str], overwrite: bool = False
) -> Manifest:
    """Put the backup in `folder` in the place of what `home` holds.

    Nobody may use `home` meanwhile: the caller sees to that.

    Args:
        folder: Verified first.
        home: Made where it is missing.
        rebuilt: Names at its top that follow from the others: what is not in the backup of them
            is removed.
        overwrite: Replace what is there.

    Raises:
        StoreError: The backup is not whole, or `home` is in use, or cannot be written; nothing
            was changed.
    """
    manifest = verify_backup(folder)
    there = [part for part in manifest.parts if (home / part).exists()]
    if there and not overwrite:
        raise StoreError(
            f"{home} already holds {', '.join(there)}",
            hint="restore into another --home, or replace it with --force",
        )
    stage = home / _STAGE
    try:
        home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(stage, ignore_errors=True)
        (stage / "old").mkdir(parents=True, mode=0o700)
        for path, file in manifest.files.items():
            copy = stage / "new" / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, copy)
            copy.chmod(file.mode)
        (stage / "new").mkdir(exist_ok=True)
        _prove(stage / "new", manifest)
        _flush_tree(stage)
        put = [part for part in manifest.parts if (stage / "new" / part).exists()]
        # What follows from the files goes first: a journal must never meet another's database.
        remove = [name for name in (*rebuilt, *manifest.parts) if name not in put]
        (stage / _READY).write_bytes(msgspec.json.encode(_Swap(remove, put)))
        _flush(stage / _READY)
        _flush(stage)
    except (OSError, StoreError) as error:
        shutil.rmtree(stage, ignore_errors=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot restore into {home}: {error}; nothing was changed") from error
    finish_restore(home)
    return manifest


def finish_restore(home: Path) -> bool:
    """Finish a restore that was cut short while it swapped; whether there was one.

    One that was cut short before that has changed nothing, and its stage is left alone.

    Raises:
        StoreError: A file cannot be moved.
    """
    stage = home / _STAGE
    try:
        try:
            swap = msgspec.json.decode((stage / _READY).read_bytes(), type=_Swap)
        except FileNotFoundError:
            return False
        for name in swap.remove:
            if (home / name).exists():
                (home / name).rename(stage / "old" / name)
        for name in swap.put:
            new, used = stage / "new" / name, home / name
            if new.exists():  # else it is in its place already
                if used.exists():
                    used.rename(stage / "old" / name)
                new.rename(used)
        _flush(home)
        (stage / _READY).unlink()  # from here on it is done
        shutil.rmtree(stage)
    except OSError as error:
        raise StoreError(
            f"cannot finish the restore of {home}: {error}", hint="mend it, then try again"
        ) from error
    return True


def _refuse_taken(target: Path, *, overwrite: bool) -> None:
    if not target.exists():
        return
    if not (target / MANIFEST).is_file():
        raise StoreError(f"{target} exists and is no backup", hint="name a new folder")
    if not overwrite:
        raise StoreError(f"{target} is a backup already", hint="replace it with --force")


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def _described(path: Path) -> File:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    status = path.stat()
    return File(digest.hexdigest(), status.st_size, status.st_mode & 0o777)


def _prove(folder: Path, manifest: Manifest, besides: Iterable[str] = ()) -> None:
    found = set(_files(folder)) - set(besides)
    for path in sorted(found ^ set(manifest.files)):
        what = "is not in its manifest" if path in found else "is missing"
        raise StoreError(f"the backup {folder} is not whole: {path} {what}")
    for path, wanted in manifest.files.items():
        found_file = _described(folder / path)
        if (found_file.sha256, found_file.bytes) != (wanted.sha256, wanted.bytes):
            raise StoreError(f"the backup {folder} is not whole: {path} was altered")


def _flush_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
