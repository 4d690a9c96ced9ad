"""An LMDB folder is written anew: nothing deleted is left, nobody reads what nobody writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from palate.errors import StoreError
from palate.store import lmdb_rewrite
from palate.store.lmdb_store import LmdbStore
from palate.testing.process import OtherProcess

SECRET = b"a-secret-of-somebody"


def fill(store: LmdbStore) -> None:
    store.write({b"k%05d" % n: b"v%d" % n * 20 for n in range(3000)}, offset=1)
    for n in range(0, 3000, 3):
        store.write({b"s%05d" % n: SECRET * 5})
    store.write({b"s%05d" % n: None for n in range(0, 3000, 3)}, offset=2)


def holds_the_secret(folder: Path) -> bool:
    return any(SECRET in p.read_bytes() for p in folder.parent.rglob("*") if p.is_file())


def test_lmdb_keeps_what_was_deleted_until_it_is_rewritten(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "state"
    with LmdbStore(folder) as store:
        fill(store)
        assert holds_the_secret(folder)
        before = list(store.scan(b""))
        store.rewrite()
        assert list(store.scan(b"")) == before
        assert store.offset() == 2
        store.write({b"more": b"1"}, offset=3)
        assert not holds_the_secret(folder)
    with LmdbStore(folder) as store:
        assert (store.get(b"more"), store.offset()) == (b"1", 3)
    assert [path.name for path in folder.parent.iterdir()] == ["state"]


def test_it_grows_afterwards_as_before(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "state") as store:
        for part in range(3):
            store.write({b"%d-%d" % (part, n): bytes(40_000) for n in range(1_000)})
            store.rewrite()
        assert len(list(store.scan(b"2-"))) == 1_000


def test_two_users_in_one_process_go_over_together(tmp_path: Path) -> None:
    with (
        LmdbStore(tmp_path / "state") as store,
        LmdbStore(tmp_path / "state", read_only=True) as reader,
    ):
        store.write({b"a": b"1"})
        store.rewrite()
        store.write({b"a": b"2"})
        assert reader.get(b"a") == b"2"
        with pytest.raises(StoreError, match="reading only"):
            reader.rewrite()


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_killed_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """After any number of its renames: what is opened next is whole, and readers follow it."""
    folder = tmp_path / "home" / "state"

    class Killed(BaseException):
        pass

    done = 0
    rename = Path.rename

    def mortal(self: Path, target: Path) -> Path:
        nonlocal done
        if done == renames:
            raise Killed
        done += 1
        return rename(self, target)

    def flush(folder: Path) -> None:
        raise Killed

    source = f"""
from pathlib import Path
from palate.store.lmdb_store import LmdbStore
store = LmdbStore(Path({str(folder)!r}), read_only=True)
while True:
    print(store.get(input().encode()), flush=True)
"""
    with LmdbStore(folder) as store:
        fill(store)
    with OtherProcess(source) as reader:
        reader.say("k00001")
        assert reader.line() == str(b"v1" * 20)
        with monkeypatch.context() as patched, LmdbStore(folder) as store:
            patched.setattr(Path, "rename", mortal)
            patched.setattr(lmdb_rewrite, "_flush", flush)
            with pytest.raises(Killed):
                store.rewrite()
        with LmdbStore(folder) as store:
            assert store.offset() == 2
            store.write({b"new": b"1"}, offset=3)
            reader.say("new")
            assert reader.line() == str(b"1")
        assert [path.name for path in folder.parent.iterdir()] == ["state"]


def test_where_the_folder_cannot_be_moved_it_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"a": b"1"})

        def refused(self: Path, target: Path) -> Path:
            raise OSError(18, "Invalid cross-device link")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", refused)
            with pytest.raises(StoreError, match="anew"):
                store.rewrite()
        assert store.get(b"a") == b"1"
        store.write({b"a": b"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so small that a hundred pairs are many."""
    monkeypatch.setattr(lmdb_rewrite, "_BATCH", 10)
    monkeypatch.setattr(lmdb_rewrite, "_NEAR", 3)


@pytest.mark.usefixtures("small")
def test_what_is_written_meanwhile_is_there(tmp_path: Path) -> None:
    """New, changed and deleted keys, before and behind the place that the copy has reached."""
    wanted = {b"k%03d" % n: b"old" for n in range(100)}
    with LmdbStore(tmp_path / "state") as store:
        store.write(wanted, offset=1)
        steps = 0
        for _ in store.rewriting():
            steps += 1
            if steps <= 12:
                gone, new = b"k%03d" % (steps * 7), b"k%03d" % (99 - steps * 5)
                wanted |= {new: b"new", b"n%03d" % steps: b"added"}
                wanted.pop(gone, None)
                puts = {new: b"new", b"n%03d" % steps: b"added", gone: None}
                store.write(puts, offset=1 + steps)
        assert steps > 12
        assert dict(store.scan(b"")) == wanted
        assert store.offset() == 13


@pytest.mark.usefixtures("small")
def test_given_up_half_way_it_leaves_nothing(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"k%03d" % n: b"old" for n in range(100)})
        half = store.rewriting()
        next(half)
        del half
        assert [path.name for path in tmp_path.iterdir()] == ["state"]
        store.write({b"k000": b"new"})
        store.rewrite()
        assert (store.get(b"k000"), store.get(b"k099")) == (b"new", b"old")


@pytest.mark.usefixtures("small")
def test_a_store_that_is_emptied_meanwhile_is_not_filled_again(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"k%03d" % n: b"old" for n in range(100)})
        steps = store.rewriting()
        next(steps)
        store.clear()
        with pytest.raises(StoreError, match="emptied"):
            list(steps)
        assert list(store.scan(b"")) == []


def test_without_room_for_a_second_folder_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"a": b"1"})
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
            with pytest.raises(StoreError, match="are free beside it"):
                store.rewrite()
        assert [path.name for path in tmp_path.iterdir()] == ["state"]
        store.rewrite()


def test_what_a_failed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "state") as store:
        store.write({b"a": b"1"})
        for left in ("state.stale", "state.fresh"):
            (tmp_path / left).mkdir()
            (tmp_path / left / "data.mdb").write_bytes(SECRET)
        store.rewrite()
        assert store.get(b"a") == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
