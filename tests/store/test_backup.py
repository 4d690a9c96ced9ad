from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from palate.errors import StoreError
from palate.store import backup
from palate.store.backup import (
    MANIFEST,
    copy_database,
    finish_restore,
    make_backup,
    restore_backup,
    verify_backup,
)

PARTS = ("data", "one.txt", "two.txt")


def fill(folder: Path) -> dict[str, Any]:
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / "data" / "deep" / "a.bin").write_bytes(bytes(range(256)))
    (folder / "one.txt").write_text("new one")
    (folder / "one.txt").chmod(0o600)
    return {"head": 7}


def fill_a_little(folder: Path) -> dict[str, Any]:
    (folder / "one.txt").write_text("x")
    return {}


def make(place: Path) -> Path:
    make_backup(place / "backup", fill, parts=PARTS)
    return place / "backup"


def home(place: Path) -> Path:
    """A home that holds something else under each name, and something of its owner's."""
    made = place / "home"
    (made / "data").mkdir(parents=True)
    (made / "data" / "old.bin").write_text("old")
    (made / "two.txt").write_text("old two")
    (made / "derived").write_text("follows from data")
    (made / "mine.txt").write_text("mine")
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


RESTORED = {"data/deep/a.bin": bytes(range(256)), "one.txt": b"new one", "mine.txt": b"mine"}


def test_a_backup_says_what_it_holds(tmp_path: Path) -> None:
    folder = make(tmp_path)
    manifest = verify_backup(folder)
    assert set(manifest.files) == {"data/deep/a.bin", "one.txt"}
    assert manifest.about == {"head": 7}
    assert manifest.bytes == 256 + 7
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]


def test_into_nothing(tmp_path: Path) -> None:
    restore_backup(make(tmp_path), tmp_path / "new", rebuilt=["derived"])
    assert contents(tmp_path / "new") == {k: v for k, v in RESTORED.items() if k != "mine.txt"}
    assert (tmp_path / "new" / "one.txt").stat().st_mode & 0o777 == 0o600


def test_in_the_place_of_something_only_when_told(tmp_path: Path) -> None:
    folder, used = make(tmp_path), home(tmp_path)
    before = contents(used)
    with pytest.raises(StoreError, match=r"already holds data, two\.txt"):
        restore_backup(folder, used, rebuilt=["derived"])
    assert contents(used) == before
    restore_backup(folder, used, rebuilt=["derived"], overwrite=True)
    assert contents(used) == RESTORED
    assert not list(used.glob(".*"))


def test_a_backup_is_replaced_only_when_told(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with pytest.raises(StoreError, match="is a backup already"):
        make_backup(folder, fill, parts=PARTS)
    make_backup(folder, fill_a_little, parts=PARTS, overwrite=True)
    assert set(verify_backup(folder).files) == {"one.txt"}
    (tmp_path / "mine").mkdir()
    with pytest.raises(StoreError, match="is no backup"):
        make_backup(tmp_path / "mine", fill, parts=PARTS, overwrite=True)


def test_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def full(folder: Path) -> dict[str, Any]:
        fill(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        make_backup(tmp_path / "backup", full, parts=PARTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "match"),
    [
        (lambda f: (f / "one.txt").write_text("new 0ne"), r"one\.txt was altered"),
        (lambda f: (f / "one.txt").unlink(), r"one\.txt is missing"),
        (lambda f: (f / "more.txt").write_text(""), r"more\.txt is not in its manifest"),
        (lambda f: (f / MANIFEST).write_text("{"), "damaged manifest"),
        (lambda f: (f / MANIFEST).unlink(), "is no backup"),
        (
            lambda f: (f / MANIFEST).write_text(
                '{"format": 99, "made_at": "", "parts": [], "files": {}}'
            ),
            "format 99",
        ),
    ],
)
def test_what_is_not_whole_is_refused_and_changes_nothing(
    tmp_path: Path, what: Any, match: str
) -> None:
    folder, used = make(tmp_path), home(tmp_path)
    before = contents(used)
    (folder / "one.txt").chmod(0o600)
    what(folder)
    with pytest.raises(StoreError, match=match):
        restore_backup(folder, used, rebuilt=[], overwrite=True)
    assert contents(used) == before


class CutShortError(Exception):
    """As if the process had been killed."""


def test_one_that_is_cut_short_anywhere_is_finished_or_has_changed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop before every single rename in turn; then do what the next opening does."""
    folder = make(tmp_path)
    rename = Path.rename
    for step in range(100):
        place = tmp_path / f"step-{step}"
        used = home(place)
        count = iter(range(100))

        def stopping(self: Path, target: Path, count: Any = count, step: int = step) -> Path:
            if next(count) == step:
                raise CutShortError
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", stopping)
        try:
            restore_backup(folder, used, rebuilt=["derived"], overwrite=True)
        except CutShortError:
            monkeypatch.setattr(Path, "rename", rename)
            assert finish_restore(used)
            assert contents(used) == RESTORED
            assert not finish_restore(used)
        else:
            assert step == 5  # as many renames as there are names
            return
    raise AssertionError("it never ended")


def test_a_stage_that_was_not_ready_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, used = make(tmp_path), home(tmp_path)
    before = contents(used)

    def killed(_: Path) -> None:
        raise CutShortError

    monkeypatch.setattr(backup, "_flush_tree", killed)
    with pytest.raises(CutShortError):
        restore_backup(folder, used, rebuilt=[], overwrite=True)
    assert not finish_restore(used)
    assert {k: v for k, v in contents(used).items() if not k.startswith(".restore")} == before
    monkeypatch.undo()
    restore_backup(folder, used, rebuilt=["derived"], overwrite=True)
    assert contents(used) == RESTORED


def test_a_database_is_copied_while_it_is_written(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("INSERT INTO t VALUES (1)")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t VALUES (2)")  # not committed: not in the copy
    copy_database(tmp_path / "a.sqlite", tmp_path / "copy.sqlite")
    writer.execute("COMMIT")
    writer.close()
    copy = sqlite3.connect(tmp_path / "copy.sqlite")
    assert copy.execute("SELECT x FROM t").fetchall() == [(1,)]
    copy.close()
    assert not list(tmp_path.glob("copy.sqlite-*"))


def test_a_damaged_database_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    writer = sqlite3.connect(path)
    writer.execute("CREATE TABLE t (x)")
    writer.executemany("INSERT INTO t VALUES (?)", [("x" * 100,)] * 500)
    writer.commit()
    writer.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match=r"a\.sqlite"):
        copy_database(path, tmp_path / "copy.sqlite")
    with pytest.raises(StoreError, match=r"nothing\.sqlite"):
        copy_database(tmp_path / "nothing.sqlite", tmp_path / "copy2.sqlite")
