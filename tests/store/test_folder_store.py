from __future__ import annotations

import os
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.base import ObjectStore
from palate.store.folder_store import FolderStore
from palate.testing.object_store import ObjectStoreConformance, bundle


class TestFolderStore(ObjectStoreConformance):
    def open(self, place: Path) -> ObjectStore:
        return FolderStore(place)

    def open_source(self, place: Path) -> str:
        return f"""
from palate.store.folder_store import FolderStore
objects = FolderStore(Path({str(place)!r}))
"""


def test_files_are_read_only(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.publish("a/1", bundle(tmp_path / "source"))
    path = store.fetch("a/1") / "arrays" / "one.npy"
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_failed_publication_leaves_no_copy(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    source = bundle(tmp_path / "source")
    os.mkfifo(source / "pipe")
    with pytest.raises(StoreError, match="pipe"):
        store.publish("a/1", source)
    assert list((tmp_path / "store" / ".incoming").iterdir()) == []


def test_what_a_killed_publisher_left_goes_away_after_a_day(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    old, new = (tmp_path / "store" / ".incoming" / name for name in ("old", "new"))
    for path in (old, new):
        path.mkdir(parents=True)
    os.utime(old, (1, 1))
    store.publish("a/1", bundle(tmp_path / "source"))
    assert not old.exists()
    assert new.exists()
    assert list(store.keys()) == ["a/1"]


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError):
        FolderStore(tmp_path / "store").publish("a/1", bundle(tmp_path / "source"))
