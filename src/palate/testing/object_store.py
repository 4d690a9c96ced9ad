"""What every `ObjectStore` adapter passes: inherit, and say how to open one."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.base import ObjectStore
from palate.testing.process import OtherProcess

__all__ = ["ObjectStoreConformance", "bundle"]

_FILES = {"manifest.json": b"{}", "arrays/one.npy": b"\x00\x01", "arrays/deep/two.npy": b""}


def bundle(folder: Path, mark: bytes = b"{}") -> Path:
    """A folder of files to publish; `mark` is what `manifest.json` holds."""
    for name, content in {**_FILES, "manifest.json": mark}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _read(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class ObjectStoreConformance:
    """The law of `ObjectStore`, test by test. A subclass writes `open` and `open_source`."""

    def open(self, place: Path) -> ObjectStore:
        """Open the store at `place`, which is a folder of this test's own."""
        raise NotImplementedError

    def open_source(self, place: Path) -> str:
        """Python code that binds `objects` to the store at `place`, in a process of its own."""
        raise NotImplementedError

    @pytest.fixture
    def objects(self, tmp_path: Path) -> ObjectStore:
        return self.open(tmp_path / "store")

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return bundle(tmp_path / "source")

    def test_satisfies_the_port(self, objects: ObjectStore) -> None:
        assert isinstance(objects, ObjectStore)

    def test_an_empty_store(self, objects: ObjectStore) -> None:
        assert list(objects.keys()) == []
        assert not objects.exists("movies/1")
        objects.remove("movies/1")
        with pytest.raises(StoreError, match="movies/1"):
            objects.fetch("movies/1")

    def test_fetches_what_was_published(self, objects: ObjectStore, source: Path) -> None:
        objects.publish("movies/1", source)
        assert objects.exists("movies/1")
        assert _read(objects.fetch("movies/1")) == _FILES

    def test_a_published_object_does_not_follow_its_source(
        self, objects: ObjectStore, source: Path
    ) -> None:
        objects.publish("movies/1", source)
        (source / "manifest.json").write_bytes(b"changed")
        (source / "more.json").write_bytes(b"new")
        assert _read(objects.fetch("movies/1")) == _FILES

    def test_a_taken_key_is_refused_and_keeps_its_object(
        self, objects: ObjectStore, source: Path, tmp_path: Path
    ) -> None:
        objects.publish("movies/1", source)
        with pytest.raises(StoreError, match="movies/1"):
            objects.publish("movies/1", bundle(tmp_path / "other", b"other"))
        assert _read(objects.fetch("movies/1")) == _FILES

    def test_keys_are_sorted_and_selected_by_prefix(
        self, objects: ObjectStore, source: Path
    ) -> None:
        for key in ("movies/2", "cars/1", "movies/10", "movies-old/1", "single"):
            objects.publish(key, source)
        assert list(objects.keys()) == ["cars/1", "movies-old/1", "movies/10", "movies/2", "single"]
        assert list(objects.keys("movies/")) == ["movies/10", "movies/2"]
        assert not objects.exists("movies")
        assert not objects.exists("movies/2/arrays")

    def test_no_object_lies_inside_another(self, objects: ObjectStore, source: Path) -> None:
        objects.publish("movies/1", source)
        for key in ("movies", "movies/1/arrays", "movies/1/more"):
            with pytest.raises(StoreError):
                objects.publish(key, source)
        assert list(objects.keys()) == ["movies/1"]

    def test_a_removed_object_is_absent_and_its_key_free(
        self, objects: ObjectStore, source: Path
    ) -> None:
        objects.publish("movies/1", source)
        objects.publish("movies/2", source)
        objects.remove("movies/1")
        assert not objects.exists("movies/1")
        assert list(objects.keys()) == ["movies/2"]
        objects.publish("movies/1", source)
        assert _read(objects.fetch("movies/1")) == _FILES

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "..",
            "a/../b",
            ".",
            ".hidden",
            "a\\b",
            "a b",
            "a\n",
            "ü",
            "~",
        ],
    )
    def test_a_malformed_key_is_refused(self, objects: ObjectStore, source: Path, key: str) -> None:
        with pytest.raises(StoreError):
            objects.publish(key, source)
        with pytest.raises(StoreError):
            objects.fetch(key)
        with pytest.raises(StoreError):
            objects.remove(key)

    def test_nothing_to_publish(self, objects: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "absent"):
            with pytest.raises(StoreError):
                objects.publish("movies/1", folder)
        assert list(objects.keys()) == []

    def test_a_link_is_not_published(self, objects: ObjectStore, source: Path) -> None:
        (source / "link").symlink_to("/etc/hostname")
        with pytest.raises(StoreError, match="link"):
            objects.publish("movies/1", source)
        assert not objects.exists("movies/1")

    def test_of_several_publishers_one_wins(self, objects: ObjectStore, tmp_path: Path) -> None:
        won: list[int] = []
        start = threading.Barrier(6)

        def publish(number: int) -> None:
            source = bundle(tmp_path / f"source-{number}", b"%d" % number)
            start.wait()
            try:
                objects.publish("movies/1", source)
            except StoreError:
                return
            won.append(number)

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert _read(objects.fetch("movies/1"))["manifest.json"] == b"%d" % won[0]

    def test_whole_or_absent_after_a_kill(self, tmp_path: Path, source: Path) -> None:
        code = f"""
from pathlib import Path
{self.open_source(tmp_path / "store")}
number = 0
while True:
    number += 1
    objects.publish(f"movies/{{number}}", Path({str(source)!r}))
    print(number, flush=True)
"""
        with OtherProcess(code) as publisher:
            acknowledged = max(int(publisher.line()) for _ in range(3))
        objects = self.open(tmp_path / "store")
        keys = list(objects.keys())
        assert len(keys) >= acknowledged
        assert all(_read(objects.fetch(key)) == _FILES for key in keys)
        objects.publish("movies/0", source)
