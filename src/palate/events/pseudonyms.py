"""Names for people in what is never erased: hashes of their ids with a key of this home's own.

HMAC-SHA-256 (RFC 2104). Without the key nobody can try ids against the hashes.
"""

from __future__ import annotations

import errno
import hmac
import os
import secrets
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from palate.errors import StoreError

__all__ = ["KEY_FILE", "Pseudonyms", "open_pseudonyms"]

KEY_FILE: Final = "privacy.key"
_KEY_BYTES: Final = 32
_USER: Final = b"u:"
_VISITOR: Final = b"a:"


class Pseudonyms:
    """Keyed hashes of ids; a visitor is never a user of the same text.

    Args:
        key: Secret; 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def user(self, user_id: str) -> bytes:
        """32 bytes."""
        return self._of(_USER, user_id)

    def visitor(self, anonymous_id: str) -> bytes:
        """32 bytes."""
        return self._of(_VISITOR, anonymous_id)

    def _of(self, prefix: bytes, public: str) -> bytes:
        return hmac.digest(self._key, prefix + public.encode("utf-8", "surrogatepass"), "sha256")


def open_pseudonyms(home: Path, *, new: bool) -> Pseudonyms:
    """With the key of `home`, which only its owner may read.

    Args:
        home: The key is its `privacy.key`.
        new: Make a key where there is none.

    Raises:
        StoreError: The key is gone, is no key, or others may read it.
    """
    return Pseudonyms(_key(home / KEY_FILE, new=new))


def _key(path: Path, *, new: bool) -> bytes:
    if new and not path.exists():
        try:
            with suppress(FileExistsError):
                _write_key(path)
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}",
                hint="free disk space, or mend the permissions of its folder",
            ) from error
    try:
        key = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} is gone, and with it the knowledge of who was forgotten",
            hint="put it back from a backup",
        ) from error
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise StoreError(f"others may read {path}", hint=f"chmod 600 {path}")
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path} has {len(key)} bytes; a key has {_KEY_BYTES}")
    return key


def _write_key(path: Path) -> None:
    """All or nothing: another process may make it at the same moment."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            if os.write(descriptor, secrets.token_bytes(_KEY_BYTES)) != _KEY_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.link(draft, path)
    finally:
        draft.unlink()
