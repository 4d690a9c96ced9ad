"""A live catalogue in a backup: what comes back answers, and follows on, without embedding anew."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from palate.config import Settings
from palate.errors import LogError, StoreError
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.backup import backup_home, restore_home
from palate.features.ingest import open_ingest
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.processes import open_snapshots, run_embedder, run_indexer
from palate.retrieval.replica import Replica
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore
from palate.store.sqlite_pointer import SqlitePointer
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue
from palate.testing.process import until

CARS = {f"car{n}" for n in range(30)}


class Counting(FakeEncoder):
    """Remembers what it embeds."""

    def __init__(self, space: str) -> None:
        super().__init__(space)
        self.embedded: list[str] = []

    def embed_items(self, ids: Any, attributes: Any) -> Any:
        self.embedded += ids
        return super().embed_items(ids, attributes)


@contextmanager
def roles(home: Path, encoder: FakeEncoder) -> Iterator[Settings]:
    """Embedder and indexer of a home, as threads."""
    table = {"wait_s": 0.001, "refresh_s": 0.01}
    settings, stop = Settings(home=home, retrieval=table), threading.Event()
    threads = [
        threading.Thread(
            target=run_embedder, args=(settings, stop), kwargs={"encoders": lambda: [encoder]}
        ),
        threading.Thread(target=run_indexer, args=(settings, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield settings
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def replica(settings: Settings, encoder: FakeEncoder) -> Iterator[Replica[FakeEncoder]]:
    """A worker's index, once there is a snapshot."""
    pointer = SqlitePointer(Database(settings.home / REGISTRY))
    snapshots = open_snapshots(settings, pointer)
    until(lambda: snapshots.pointed(encoder.space) is not None)
    with open_embeddings(settings.home, read_only=True) as topic:
        made = Replica(topic, snapshots, lambda: encoder)
        until(made.refresh)
        yield made
    pointer.close()


def held(one: Replica[FakeEncoder]) -> set[str]:
    one.follow()
    assert one.live is not None
    ids, _ = one.live.index.items()  # type: ignore[attr-defined]
    return set(ids)


@pytest.fixture
def lived(catalogue: LiveCatalogue) -> LiveCatalogue:
    """Thirty cars, embedded and in a snapshot, and a group of another team."""
    encoder = FakeEncoder("aaaa")
    for car in sorted(CARS):
        catalogue.put(car, {"price": 1})
    with roles(catalogue.home, encoder) as settings, replica(settings, encoder) as one:
        until(lambda: held(one) == CARS)
    with open_embeddings(catalogue.home, read_only=True) as topic:
        topic.commit("pricing", 7)
    return catalogue


def test_what_comes_back_is_not_embedded_again(lived: LiveCatalogue, tmp_path: Path) -> None:
    backup_home(lived.home, tmp_path / "backup")
    lived.sell("car1")  # after the backup: it is for sale again
    new = tmp_path / "new"
    restore_home(tmp_path / "backup", new, Settings())
    encoder = Counting("aaaa")
    with roles(new, encoder) as settings, replica(settings, encoder) as one:
        assert held(one) == CARS
        with open_ingest(new, settings) as ingest:
            late = Event(event=ITEM_UPSERTED, item_id="late", attributes={"price": 2})
            ingest.append([Event(event=ITEM_DELETED, item_id="car2"), late])
            until(lambda: held(one) == CARS - {"car2"} | {"late"})
    assert encoder.embedded == ["late"]
    with open_embeddings(new, read_only=True) as topic:
        assert topic.committed("pricing") == 7


def test_it_is_made_while_items_change(lived: LiveCatalogue, tmp_path: Path) -> None:
    encoder, stop, sold = FakeEncoder("aaaa"), threading.Event(), list[str]()

    def trade() -> None:
        for n in range(10**6):
            if stop.is_set():
                return
            lived.put(f"new{n}", {"price": n})
            lived.sell(f"new{n - 3}")
            sold.append(f"new{n - 3}")

    with roles(lived.home, encoder):
        trader = threading.Thread(target=trade)
        trader.start()
        try:
            until(lambda: len(sold) > 20)
            backup_home(lived.home, tmp_path / "backup")
        finally:
            stop.set()
            trader.join()
    new = tmp_path / "new"
    restore_home(tmp_path / "backup", new, Settings())
    with open_ingest(new, Settings()) as ingest:
        for_sale = {item for item, _ in ingest.state.items(limit=10**6)}
    counting = Counting("aaaa")
    with roles(new, counting) as settings, replica(settings, counting) as one:
        until(lambda: held(one) == for_sale)
    assert CARS.isdisjoint(counting.embedded), "only what changed while it was copied"


def test_without_its_topic_everything_is_embedded_anew(
    lived: LiveCatalogue, tmp_path: Path
) -> None:
    """As a backup of before, or a folder that was deleted: old snapshots mislead nobody."""
    backup_home(lived.home, tmp_path / "backup")
    new = tmp_path / "new"
    restore_home(tmp_path / "backup", new, Settings())
    shutil.rmtree(new / "embeddings")
    pointer = SqlitePointer(Database(new / REGISTRY))
    snapshots = open_snapshots(Settings(home=new), pointer)
    old = snapshots.pointed("aaaa")
    assert old is not None
    encoder, stop = Counting("aaaa"), threading.Event()
    embedder = threading.Thread(
        target=run_embedder,
        args=(Settings(home=new), stop),
        kwargs={"encoders": lambda: [encoder]},
    )
    embedder.start()
    until(lambda: set(encoder.embedded) >= CARS)
    assert snapshots.pointed("aaaa") is None, "there is no indexer yet, and nobody loads the old"
    stop.set()
    embedder.join()
    with roles(new, encoder) as settings, replica(settings, encoder) as one:
        assert held(one) == CARS
        assert one.live is not None
        assert one.live.snapshot not in {entry.snapshot for entry in old[0].entries}
    pointer.close()


def test_a_later_topic_does_not_stay_behind(lived: LiveCatalogue, tmp_path: Path) -> None:
    backup_home(lived.home, tmp_path / "backup")
    encoder = FakeEncoder("aaaa")
    with lived, roles(lived.home, encoder) as settings, replica(settings, encoder) as one:
        lived.put("late", {"price": 3})
        until(lambda: "late" in held(one))
    restore_home(tmp_path / "backup", lived.home, Settings(), overwrite=True)
    counting = Counting("aaaa")
    with roles(lived.home, counting) as settings, replica(settings, counting) as one:
        assert held(one) == CARS
    assert counting.embedded == []


def test_nothing_is_restored_under_an_embedder(lived: LiveCatalogue, tmp_path: Path) -> None:
    with lived:
        backup_home(lived.home, tmp_path / "backup")
    with open_embeddings(lived.home, read_only=False):
        with pytest.raises(LogError, match="nothing was restored"):
            restore_home(tmp_path / "backup", lived.home, Settings(), overwrite=True)
        assert (lived.home / "embeddings" / "log.sqlite").exists()


def test_a_snapshot_that_goes_away_meanwhile(
    lived: LiveCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older one is left out; without the newest the backup is refused."""
    objects = FolderStore(lived.home / "objects")
    newest = max(objects.keys("index/"))
    older = "index/aaaa/000000000000-older"
    objects.publish(older, objects.fetch(newest))
    copytree = shutil.copytree

    def removing(key: str) -> Any:
        def copy(source: Path, target: Path) -> Any:
            if source == objects.root / key:
                objects.remove(key)
            return copytree(source, target)

        return copy

    monkeypatch.setattr(shutil, "copytree", removing(older))
    backup_home(lived.home, tmp_path / "one")
    assert list(FolderStore(tmp_path / "one" / "objects").keys()) == [newest]
    monkeypatch.setattr(shutil, "copytree", removing(newest))
    with pytest.raises(StoreError, match="removed meanwhile"):
        backup_home(lived.home, tmp_path / "two")
    assert not (tmp_path / "two").exists()
