from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from palate.errors import MissingExtraError, StoreError
from palate.store import boot, lmdb_environment
from palate.store.base import OnlineStore
from palate.store.lmdb_store import MAX_KEY_BYTES, LmdbStore
from palate.testing.online_store import SharedOnlineStoreConformance
from palate.testing.process import OtherProcess


class TestLmdbStore(SharedOnlineStoreConformance):
    def open(self, place: Path, *, read_only: bool = False) -> OnlineStore:
        return LmdbStore(place / "state", read_only=read_only)

    def open_source(self, place: Path, *, read_only: bool = False) -> str:
        return f"""
from pathlib import Path
from palate.store.lmdb_store import LmdbStore
store = LmdbStore(Path({str(place / "state")!r}), read_only={read_only})
"""


def test_a_key_that_lmdb_cannot_hold(tmp_path: Path) -> None:
    with LmdbStore(tmp_path) as store:
        store.write({b"k" * MAX_KEY_BYTES: b"1"})
        assert store.get(b"k" * MAX_KEY_BYTES) == b"1"
        for key in (b"", b"k" * (MAX_KEY_BYTES + 1)):
            with pytest.raises(StoreError, match="1 to 511"):
                store.write({b"good": b"1", key: b"2"})
            assert store.get(key) is None
        assert store.get(b"good") is None


def test_two_objects_share_one_environment(tmp_path: Path) -> None:
    one, two = LmdbStore(tmp_path), LmdbStore(tmp_path, read_only=True)
    one.write({b"a": b"1"}, offset=4)
    one.close()
    assert (two.get(b"a"), two.offset()) == (b"1", 4)
    two.close()
    assert tmp_path.resolve() not in lmdb_environment._open


def test_reading_missing_state_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="import data"):
        LmdbStore(tmp_path / "state", read_only=True)
    assert not (tmp_path / "state").exists()


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot open"):
        LmdbStore(tmp_path)


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="state"):
        LmdbStore(tmp_path / "state")


def test_without_lmdb_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"palate\[serve\]"):
        LmdbStore(tmp_path)


def kill_a_writer(folder: Path) -> None:
    source = f"""
from pathlib import Path
from palate.store.lmdb_store import LmdbStore
store = LmdbStore(Path({str(folder)!r}))
store.write({{b"a": b"1"}}, offset=5)
print("written", flush=True)
input()
"""
    with OtherProcess(source) as writer:
        assert writer.line() == "written"


def test_after_a_kill_the_state_is_trusted(tmp_path: Path) -> None:
    kill_a_writer(tmp_path)
    with LmdbStore(tmp_path) as store:
        assert store.offset() == 5


def test_after_a_power_cut_the_state_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_a_writer(tmp_path)
    monkeypatch.setattr(boot, "boot_id", lambda: "the next boot")
    with LmdbStore(tmp_path) as store:
        assert store.offset() == 0
        assert store.get(b"a") is None
        store.write({b"b": b"2"}, offset=1)
    with LmdbStore(tmp_path) as store:  # it was closed well
        assert store.offset() == 1


def test_where_no_boot_is_named_only_a_clean_close_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "boot_id", lambda: "")
    with LmdbStore(tmp_path) as store:
        store.write({b"a": b"1"}, offset=5)
        with LmdbStore(tmp_path) as beside:  # opening it twice is no crash
            assert beside.offset() == 5
    with LmdbStore(tmp_path) as store:
        assert store.offset() == 5
    kill_a_writer(tmp_path)
    with LmdbStore(tmp_path) as store:
        assert store.offset() == 0


def test_partition_0_is_where_its_offset_always_was(tmp_path: Path) -> None:
    """And files that are written anew hold the offset of every partition."""
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"a": b"1"}, offset=7)
        environment = lmdb_environment._open[(tmp_path / "state").resolve()]
        with environment.handle.begin() as transaction:
            assert transaction.get(b"offset", db=environment.meta) == b"7"
        store.write({}, offset=3, partition=12)
        store.rewrite()
        assert [store.offset(partition) for partition in (0, 1, 12)] == [7, 0, 3]
