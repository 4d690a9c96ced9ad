"""The embedded object store: folders under a root, renamed into place whole."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import uuid4

from palate.errors import StoreError

__all__ = ["FolderStore"]

_INCOMING: Final = ".incoming"  # a key's parts never start with a dot
_ABANDONED_S: Final = 86400.0  # a copy this old belongs to a process that died
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class FolderStore:
    """An `ObjectStore` in a folder: the object `movies/3` is the folder `ROOT/movies/3`.

    A key has parts of letters, digits, `.`, `_` and `-`, separated by `/`. An object has at
    least one file at its top, which is what tells it from a folder of objects; no object
    lies inside another. Its files are made read-only.

    Args:
        root: Made at the first publication.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, key: str, folder: Path) -> None:
        """Make the files of `folder` appear under `key`, all at once, flushed to disk.

        Raises:
            StoreError: The key is malformed, taken, or inside another object; the folder has
                no file at its top, or something that is neither file nor folder; the disk
                is full.
        """
        target = self._path(key)
        self._refuse_taken(key, target)
        if not _is_object(folder):
            raise StoreError(f"nothing to publish: {folder} has no file at its top")
        incoming = self.root / _INCOMING
        copy = incoming / uuid4().hex
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            _clean(incoming)
            _copy(folder, copy)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy.rename(target)  # onto nothing or an empty folder, or it fails
            _flush(target.parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise _taken(key) from error  # somebody was faster
            raise StoreError(f"cannot publish {key!r} in {self.root}: {error}") from error
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def fetch(self, key: str) -> Path:
        """The folder with the files under `key`; not to be written to.

        Raises:
            StoreError: There is no such object.
        """
        path = self._path(key)
        if not self._holds(path):
            raise StoreError(f"no object {key!r} in {self.root}")
        return path

    def exists(self, key: str) -> bool:
        """Whether `key` was published."""
        return self._holds(self._path(key))

    def keys(self, prefix: str = "") -> Iterable[str]:
        """Published keys that start with `prefix`, sorted."""
        found: list[str] = []
        for path, folders, files in os.walk(self.root):
            folders[:] = [] if files else [name for name in folders if _PART.fullmatch(name)]
            if files and Path(path) != self.root:
                found.append(Path(path).relative_to(self.root).as_posix())
        return sorted(key for key in found if key.startswith(prefix))

    def remove(self, key: str) -> None:
        """Erase `key`, all at once; nothing happens where it is absent."""
        path = self._path(key)
        if not self._holds(path):
            return
        trash = self.root / _INCOMING / uuid4().hex
        trash.parent.mkdir(exist_ok=True)
        try:
            path.rename(trash)
        except FileNotFoundError:
            return  # somebody was faster
        except OSError as error:
            raise StoreError(f"cannot remove {key!r} from {self.root}: {error}") from error
        _flush(path.parent)
        shutil.rmtree(trash, ignore_errors=True)  # what stays is cleaned by a later publication

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if not all(_PART.fullmatch(part) for part in parts):
            raise StoreError(
                f"{key!r} is not a key",
                hint="parts of letters, digits, '.', '_' and '-' with '/' between them, such as "
                "movies/3",
            )
        return self.root.joinpath(*parts)

    def _refuse_taken(self, key: str, target: Path) -> None:
        if _is_object(target) or self._is_inside(target):
            raise _taken(key)
        if target.is_dir() and any(self.keys(f"{key}/")):
            raise _taken(key)

    def _holds(self, path: Path) -> bool:
        return _is_object(path) and not self._is_inside(path)

    def _is_inside(self, path: Path) -> bool:
        """Whether `path` lies inside a published object."""
        above = path.relative_to(self.root).parents
        return any(_is_object(self.root / part) for part in list(above)[:-1])


def _taken(key: str) -> StoreError:
    return StoreError(
        f"the key {key!r} is taken: a published object never changes", hint="use another key"
    )


def _is_object(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_file() for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _copy(source: Path, target: Path) -> None:
    """Copy files and folders, each flushed; refuses links, pipes and devices."""
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise StoreError(f"cannot publish {entry}: neither a file nor a folder")
        if entry.is_dir():
            _copy(entry, target / entry.name)
            continue
        copy = target / entry.name
        shutil.copyfile(entry, copy)
        _flush(copy)
        copy.chmod(0o444)
    _flush(target)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clean(incoming: Path) -> None:
    """Remove copies that a process which died left behind."""
    for path in incoming.iterdir():
        try:
            old = path.stat().st_mtime < time.time() - _ABANDONED_S
        except FileNotFoundError:
            continue  # just renamed into place
        if old:
            shutil.rmtree(path, ignore_errors=True)
