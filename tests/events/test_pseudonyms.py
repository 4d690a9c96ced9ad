"""Keyed hashes of ids, and the key's file."""

from __future__ import annotations

import errno
import hmac
import os
import stat
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.events.pseudonyms import KEY_FILE, Pseudonyms, open_pseudonyms


def test_it_is_hmac_sha_256_with_a_namespace() -> None:
    key = bytes(range(32))
    names = Pseudonyms(key)
    assert names.user("ann") == hmac.new(key, b"u:ann", "sha256").digest()
    assert names.visitor("ann") == hmac.new(key, b"a:ann", "sha256").digest()
    assert names.user("ann") != Pseudonyms(bytes(32)).user("ann")
    assert len(names.user("\udc80")) == 32, "a mangled argument has one too"


def test_t19_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    one, two = (open_pseudonyms(tmp_path, new=True) for _ in range(2))
    assert one.user("ann") == two.user("ann")
    (file,) = tmp_path.iterdir()
    assert file.name == KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32


def test_a_key_that_is_gone_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"privacy\.key is gone"):
        open_pseudonyms(tmp_path, new=False)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_pseudonyms(tmp_path, new=True)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(StoreError, match="others may read"):
        open_pseudonyms(tmp_path, new=True)


def test_half_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(StoreError, match="5 bytes"):
        open_pseudonyms(tmp_path, new=True)


def test_on_a_full_disk_a_key_that_is_there_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    names = open_pseudonyms(one, new=True)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert open_pseudonyms(one, new=True).user("ann") == names.user("ann")
    with pytest.raises(StoreError, match="No space left"):
        open_pseudonyms(two, new=True)
    monkeypatch.setattr(os, "write", lambda descriptor, data: len(data) // 2)
    with pytest.raises(StoreError, match="No space left"):
        open_pseudonyms(two, new=True)
    assert list(two.iterdir()) == [], "half a key is none"
