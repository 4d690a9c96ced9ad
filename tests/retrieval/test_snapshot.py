"""Snapshots: whole or refused, pointed to by compare-and-set, on both pointers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.errors import BundleError, StoreError
from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.snapshot import Entry, Snapshots
from palate.store.base import Pointed, Pointer
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore
from palate.store.redis_pointer import RedisPointer
from palate.store.sqlite_pointer import SqlitePointer

VECTORS = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)


@pytest.fixture(params=["sqlite", "redis"])
def pointer(request: pytest.FixtureRequest, tmp_path: Path, redis_server: Any) -> Iterator[Pointer]:
    opened: Pointer
    if request.param == "redis":
        opened = RedisPointer(redis_server.connection_url, namespace=uuid.uuid4().hex)
    else:
        opened = SqlitePointer(Database(tmp_path / REGISTRY))
    yield opened
    opened.close()


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "objects")


@pytest.fixture
def snapshots(objects: FolderStore, pointer: Pointer) -> Snapshots:
    return Snapshots(objects, pointer)


def index(n: int = 50) -> LocalIndex:
    return LocalIndex.build([f"i{k}" for k in range(n)], VECTORS[:n], Metric.COSINE)


def publish(snapshots: Snapshots, offset: int, n: int = 50) -> Entry:
    return snapshots.publish(
        index(n), space="aaaa", item_offset=offset + 5, embeddings_offset=offset, sample=["i0"]
    )


def test_what_is_published_is_loaded(snapshots: Snapshots) -> None:
    assert snapshots.pointed("aaaa") is None
    entry = publish(snapshots, 17)
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert (found[0].current, found[1]) == (entry, 1)
    loaded, manifest = snapshots.load(entry)
    assert loaded.search(VECTORS[:3], 5)[0].ids == index().search(VECTORS[:3], 5)[0].ids
    assert (manifest.space, manifest.item_offset, manifest.embeddings_offset) == ("aaaa", 22, 17)
    assert (manifest.items, manifest.dimension, manifest.metric) == (50, 8, Metric.COSINE)
    assert (manifest.sample, manifest.made_at > 0) == (("i0",), True)


def test_spaces_are_apart(snapshots: Snapshots) -> None:
    publish(snapshots, 17)
    assert snapshots.pointed("bbbb") is None


def test_an_empty_index_can_be_published(snapshots: Snapshots) -> None:
    empty = LocalIndex(8)
    entry = snapshots.publish(empty, space="aaaa", item_offset=0, embeddings_offset=0)
    loaded, manifest = snapshots.load(entry)
    assert (len(loaded), manifest.items) == (0, 0)


def test_two_are_kept_and_their_records_are_needed(
    snapshots: Snapshots, objects: FolderStore
) -> None:
    entries = [publish(snapshots, offset) for offset in (10, 20, 30)]
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].entries == (entries[2], entries[1])
    assert found[0].replay_from == 20
    assert sorted(objects.keys()) == sorted(entry.snapshot for entry in entries[1:])


def test_a_file_that_is_mapped_outlives_its_removal(snapshots: Snapshots) -> None:
    loaded, _ = snapshots.load(publish(snapshots, 10))
    publish(snapshots, 20)
    publish(snapshots, 30)
    assert loaded.search(VECTORS[:1], 3)[0].ids == index().search(VECTORS[:1], 3)[0].ids


def test_the_pointer_never_goes_to_what_reflects_less(
    snapshots: Snapshots, objects: FolderStore
) -> None:
    newest = publish(snapshots, 20)
    assert publish(snapshots, 10) == newest
    assert list(objects.keys()) == [newest.snapshot]


def test_of_many_at_once_the_newest_stays(objects: FolderStore, pointer: Pointer) -> None:
    def attempt(offset: int) -> None:
        publish(Snapshots(objects, pointer), offset, n=5)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(attempt, [30, 10, 40, 20]))
    found = Snapshots(objects, pointer).pointed("aaaa")
    assert found is not None
    assert found[0].current.embeddings_offset == 40


def test_what_somebody_is_about_to_point_to_stays(
    snapshots: Snapshots, objects: FolderStore, pointer: Pointer
) -> None:
    class Slow:
        """Another publishes between our object and our pointer."""

        done = False

        def __getattr__(self, name: str) -> Any:
            return getattr(pointer, name)

        def get(self, name: str) -> Pointed | None:
            if not self.done:
                self.done = True
                publish(snapshots, 10)
            return pointer.get(name)

    entry = publish(Snapshots(objects, Slow()), 20)
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].current == entry
    assert snapshots.load(entry)[1].embeddings_offset == 20


def test_what_a_publisher_left_behind_goes_with_the_next(
    snapshots: Snapshots, objects: FolderStore
) -> None:
    """Killed between its object and the pointer."""
    one = publish(snapshots, 10)
    left = "index/aaaa/000000000015-left"
    objects.publish(left, objects.fetch(one.snapshot))
    publish(snapshots, 20)
    assert left not in objects.keys()  # noqa: SIM118 (a method of the store)
    publish(snapshots, 30)
    assert len(list(objects.keys())) == 2


def test_rolling_back_points_to_the_one_before(snapshots: Snapshots) -> None:
    one, two = publish(snapshots, 10), publish(snapshots, 20)
    assert snapshots.roll_back("aaaa") == one
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert two not in found[0].entries
    with pytest.raises(StoreError, match="no snapshot before"):
        snapshots.roll_back("aaaa")
    with pytest.raises(StoreError, match="no snapshot before"):
        snapshots.roll_back("never there")


def test_nobody_is_sent_back_to_what_is_damaged(snapshots: Snapshots, objects: FolderStore) -> None:
    one, two = publish(snapshots, 10), publish(snapshots, 20)
    objects.remove(one.snapshot)
    with pytest.raises(BundleError, match="cannot go back"):
        snapshots.roll_back("aaaa")
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].entries == (two, one)


def test_only_what_the_caller_saw_is_left(snapshots: Snapshots) -> None:
    one, two = publish(snapshots, 10), publish(snapshots, 20)
    three = publish(snapshots, 30)
    with pytest.raises(StoreError, match="somebody else"):
        snapshots.roll_back("aaaa", leaving=two)
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].current == three
    assert snapshots.roll_back("aaaa", leaving=three) == two
    assert one != two


def test_what_goes_on_from_what_was_left_is_not_pointed_to(
    snapshots: Snapshots, objects: FolderStore
) -> None:
    one, two = publish(snapshots, 10), publish(snapshots, 20)
    snapshots.roll_back("aaaa")
    with pytest.raises(StoreError, match="rolled back while"):
        publish_after(snapshots, 30, two)
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].entries == (one,)
    assert not any("000000000030" in key for key in objects.keys())  # noqa: SIM118  # a store, no dict
    assert publish_after(snapshots, 30, one).embeddings_offset == 30


def test_what_is_newer_is_no_rollback(snapshots: Snapshots) -> None:
    """Two indexers: the entry that ours went on from has left the pointer in the ordinary way."""
    one = publish(snapshots, 10)
    publish(snapshots, 20)
    three = publish(snapshots, 30)
    assert publish_after(snapshots, 25, one) == three
    assert publish_after(snapshots, 40, one).embeddings_offset == 40


def publish_after(snapshots: Snapshots, offset: int, after: Entry) -> Entry:
    return snapshots.publish(
        index(), space="aaaa", item_offset=1, embeddings_offset=offset, after=after
    )


def test_a_manifest_is_proven_without_its_index(snapshots: Snapshots, objects: FolderStore) -> None:
    one, two = publish(snapshots, 10, n=40), publish(snapshots, 20)
    assert snapshots.spaces() == ["aaaa"]
    assert (snapshots.manifest(one).items, snapshots.manifest(two).items) == (40, 50)
    with pytest.raises(BundleError, match="altered"):
        snapshots.manifest(Entry(one.snapshot, two.sha256, 10))
    objects.remove(one.snapshot)
    with pytest.raises(BundleError, match="no whole snapshot"):
        snapshots.manifest(one)


def test_a_space_can_be_withdrawn(snapshots: Snapshots, objects: FolderStore) -> None:
    publish(snapshots, 20)
    snapshots.withdraw("aaaa")
    assert snapshots.pointed("aaaa") is None
    assert list(objects.keys()) == []
    assert publish(snapshots, 5).embeddings_offset == 5, "of a new topic: it may begin anew"


@pytest.mark.parametrize("harm", ["alter", "truncate", "remove"])
def test_what_was_damaged_is_refused(objects: FolderStore, tmp_path: Path, harm: str) -> None:
    """Each file in turn, whatever the index keeps."""
    pointer = SqlitePointer(Database(tmp_path / REGISTRY))
    snapshots = Snapshots(objects, pointer)
    entry = publish(snapshots, 10)
    files = [path for path in objects.fetch(entry.snapshot).rglob("*") if path.is_file()]
    assert {"snapshot.json", "index.json"} < {path.name for path in files}
    for path in files:
        raw = path.read_bytes()
        path.unlink()  # it is read-only
        if harm == "alter":
            path.write_bytes(raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:])
        elif harm == "truncate":
            path.write_bytes(raw[: len(raw) // 2])
        with pytest.raises(BundleError):
            snapshots.load(entry)
        path.write_bytes(raw)
    snapshots.load(entry)
    pointer.close()


def test_another_snapshot_under_its_key_is_refused(
    snapshots: Snapshots, objects: FolderStore
) -> None:
    """Whole in itself, but not the one that was pointed to."""
    one, two = publish(snapshots, 10), publish(snapshots, 20, n=40)
    with pytest.raises(BundleError, match="altered"):
        snapshots.load(Entry(one.snapshot, two.sha256, 10))


def test_a_missing_snapshot_is_refused(snapshots: Snapshots) -> None:
    with pytest.raises(BundleError, match="no whole snapshot"):
        snapshots.load(Entry("index/aaaa/none", "0" * 64, 1))


def test_a_pointer_to_something_else_is_an_error(objects: FolderStore) -> None:
    class Nonsense:
        def get(self, name: str) -> Pointed:
            return Pointed(b"nonsense", 1)

    with pytest.raises(StoreError, match="index/aaaa"):
        Snapshots(objects, Nonsense()).pointed("aaaa")  # type: ignore[arg-type]
