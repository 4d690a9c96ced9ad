"""The builder: first snapshots wait for the whole catalogue, later ones for changes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.errors import StoreError
from palate.retrieval.builder import Builder
from palate.retrieval.index.drift import Drift
from palate.retrieval.index.local import LocalIndex
from palate.retrieval.indexer import TopicTrimmedError
from palate.retrieval.settings import RetrievalSettings
from palate.retrieval.snapshot import Entry, Manifest
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet
from palate.types import Float32Array

A = FakeEncoder("aaaa")
OFTEN = RetrievalSettings(refresh_s=0)


class Built:
    """Twenty cars, an embedder of small pages, and the builder's clock."""

    def __init__(self, catalogue: LiveCatalogue) -> None:
        self.catalogue = catalogue
        for n in range(20):
            catalogue.put(f"car{n}", {"price": n})
        self.embedder = catalogue.embedder(A, batch=8)
        self.now = 0.0

    def builder(self, settings: RetrievalSettings = OFTEN) -> Builder:
        space = self.embedder.spaces["aaaa"]
        return Builder(self.catalogue.topic, self.catalogue.snapshots, "aaaa", space, settings)

    def step(self, builder: Builder) -> Manifest | None:
        entry = builder.step(self.embedder.spaces["aaaa"], lambda: self.now)
        return None if entry is None else self.catalogue.snapshots.load(entry)[1]


@pytest.fixture
def built(catalogue: LiveCatalogue) -> Built:
    return Built(catalogue)


def test_the_first_waits_for_the_whole_catalogue(built: Built) -> None:
    builder = built.builder()
    built.embedder.step()
    assert built.step(builder) is None
    run_until_quiet(built.embedder)
    manifest = built.step(builder)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset, manifest.item_offset) == (20, 20, 20)
    assert set(manifest.sample) == {f"car{n}" for n in range(20)}
    assert built.step(builder) is None, "nothing changed"


def test_an_empty_catalogue_gives_an_empty_index(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(A)
    run_until_quiet(embedder)
    space = embedder.spaces["aaaa"]
    builder = Builder(catalogue.topic, catalogue.snapshots, "aaaa", space, OFTEN)
    entry = builder.step(space)
    assert entry is not None
    assert catalogue.snapshots.load(entry)[1].items == 0


def test_the_next_waits_for_changes_and_for_its_time(built: Built) -> None:
    builder = built.builder(RetrievalSettings(refresh_s=60))
    run_until_quiet(built.embedder)
    assert built.step(builder) is not None
    built.now = 100.0
    assert built.step(builder) is None, "nothing changed"
    built.catalogue.sell("car3")
    run_until_quiet(built.embedder)
    built.now = 59.0
    assert built.step(builder) is None, "too soon"
    built.now = 60.0
    manifest = built.step(builder)
    assert manifest is not None
    assert manifest.items == 19
    assert "car3" not in manifest.sample


def test_another_one_goes_on_from_the_newest_snapshot(built: Built) -> None:
    run_until_quiet(built.embedder)
    built.step(built.builder())
    built.catalogue.sell("car3")
    run_until_quiet(built.embedder)
    later = built.builder()
    assert later.indexer.applied == 20, "not from the beginning"
    manifest = built.step(later)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset) == (19, 21)


def test_another_one_waits_for_the_time_of_the_snapshot_it_goes_on_from(built: Built) -> None:
    rarely = RetrievalSettings(refresh_s=60)
    run_until_quiet(built.embedder)
    manifest = built.step(built.builder(rarely))
    assert manifest is not None
    made_s = manifest.made_at / 1e6
    built.catalogue.sell("car3")
    run_until_quiet(built.embedder)
    later = built.builder(rarely)
    built.now = made_s + 59
    assert built.step(later) is None, "a restart writes nothing before its time"
    built.now = made_s + 61
    assert built.step(later) is not None
    built.catalogue.sell("car4")
    run_until_quiet(built.embedder)
    built.now = made_s - 5
    assert built.step(built.builder(rarely)) is not None, "a clock that went back delays nothing"


def test_a_corrupt_snapshot_is_passed_over_for_the_one_before(built: Built) -> None:
    run_until_quiet(built.embedder)
    builder = built.builder()
    built.step(builder)
    built.catalogue.sell("car3")
    run_until_quiet(built.embedder)
    built.step(builder)
    newest = built.catalogue.snapshots.pointed("aaaa")
    assert newest is not None
    path = built.catalogue.home / "objects" / newest[0].current.snapshot / "snapshot.json"
    path.unlink()
    path.write_text("{}")
    later = built.builder()
    assert later.indexer.applied == 20
    manifest = built.step(later)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset) == (19, 21), "the damaged one is replaced"


def test_without_a_whole_snapshot_it_begins_where_the_space_does(built: Built) -> None:
    run_until_quiet(built.embedder)
    built.step(built.builder())
    objects = FolderStore(built.catalogue.home / "objects")
    for key in list(objects.keys("index/")):
        objects.remove(key)
    manifest = built.step(built.builder())
    assert manifest is not None
    assert manifest.items == 20
    built.catalogue.snapshots.withdraw("aaaa")
    built.catalogue.topic.trim(5)
    with pytest.raises(StoreError, match="no longer holds its beginning"):
        built.builder()


def test_a_space_that_is_embedded_anew_is_built_anew(built: Built) -> None:
    run_until_quiet(built.embedder)
    builder = built.builder()
    built.step(builder)
    built.embedder.use([FakeEncoder("bbbb")])
    built.embedder.use([A])
    with pytest.raises(TopicTrimmedError, match="anew"):
        built.step(builder)
    run_until_quiet(built.embedder)
    again = built.builder()
    assert again.indexer.applied == built.embedder.spaces["aaaa"].since
    manifest = built.step(again)
    assert manifest is not None
    assert manifest.items == 20


def test_lists_are_built_anew_where_the_rows_no_longer_fit(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: list[str] = []
    monkeypatch.setattr(Drift, "reasons", lambda self: reasons)
    builder = built.builder()
    run_until_quiet(built.embedder)
    first = builder.indexer.index
    assert built.step(builder) is not None
    assert builder.indexer.index is first
    built.catalogue.put("car1", {"price": 77})
    run_until_quiet(built.embedder)
    reasons.append("lists are uneven")
    manifest = built.step(builder)
    assert builder.indexer.index is not first
    assert manifest is not None
    assert manifest.items == 20
    built.catalogue.put("car2", {"price": 88})
    run_until_quiet(built.embedder)
    builder.step(built.embedder.spaces["aaaa"])
    prices = builder.indexer.index.vectors(["car1", "car2"])[:, 0]
    assert prices == pytest.approx([0.077, 0.088]), "it follows as the old one did"


def test_new_lists_are_measured_by_what_people_may_look_for(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drift, "reasons", lambda self: ["lists are uneven"])
    build, told = LocalIndex.build, dict[str, Any]()

    def measured(*given: Any, **named: Any) -> LocalIndex:
        told.update(named)
        return build(*given, **named)

    monkeypatch.setattr(LocalIndex, "build", measured)
    queries = np.ones((3, 8), np.float32)
    run_until_quiet(built.embedder)
    settings = RetrievalSettings(refresh_s=0, recall=0.9)
    space, catalogue = built.embedder.spaces["aaaa"], built.catalogue

    def askers(name: str) -> Float32Array | None:
        return queries if name == "aaaa" else None

    builder = Builder(catalogue.topic, catalogue.snapshots, "aaaa", space, settings, askers)
    assert built.step(builder) is not None
    assert told["queries"] is queries
    assert told["recall"] == 0.9


def test_a_pointer_that_its_server_lost_is_set_again(built: Built) -> None:
    """A worker that starts afterwards would have no index until something changes."""
    builder = built.builder(RetrievalSettings(refresh_s=60))
    run_until_quiet(built.embedder)
    assert built.step(builder) is not None
    assert built.step(builder) is None
    with (
        closing(Database(built.catalogue.home / REGISTRY)) as database,
        database.transaction() as connection,
    ):
        connection.execute("DELETE FROM pointers")
    assert built.catalogue.snapshots.pointed("aaaa") is None
    manifest = built.step(builder)
    assert manifest is not None
    assert manifest.items == 20
    found = built.catalogue.snapshots.pointed("aaaa")
    assert found is not None
    assert built.step(builder) is None


def rolled_back(built: Built, builder: Builder) -> Entry:
    """Two snapshots, of which an operator leaves the newer; what is pointed to then."""
    run_until_quiet(built.embedder)
    assert built.step(builder) is not None
    built.catalogue.sell("car3")
    run_until_quiet(built.embedder)
    built.now += 60.0
    assert built.step(builder) is not None
    return built.catalogue.snapshots.roll_back("aaaa")


def test_an_index_that_was_rolled_back_is_not_published_again(built: Built) -> None:
    builder = built.builder(RetrievalSettings(refresh_s=60))
    before = rolled_back(built, builder)
    left = builder.indexer.index
    left.delete(["car9"])  # what was bad about it
    built.now += 60.0
    assert built.step(builder) is None, "its time begins with the rollback"
    assert builder.entry == before
    assert builder.indexer.index is not left
    built.now += 59.0
    assert built.step(builder) is None
    built.now += 1.0
    manifest = built.step(builder)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset) == (19, 21), "with what came since"
    assert set(manifest.sample) == {f"car{n}" for n in range(20)} - {"car3"}
    found = built.catalogue.snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].entries[1] == before


def test_a_rollback_while_a_snapshot_is_written_stays(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = built.builder()
    run_until_quiet(built.embedder)
    for car in ("car3", "car4"):
        assert built.step(builder) is not None
        built.catalogue.sell(car)
        run_until_quiet(built.embedder)
    snapshots, publish = built.catalogue.snapshots, FolderStore.publish
    gone_back: list[Entry] = []

    def slowly(store: FolderStore, key: str, folder: Path) -> None:
        publish(store, key, folder)
        gone_back.append(snapshots.roll_back("aaaa"))

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "publish", slowly)
        with pytest.raises(StoreError, match="rolled back while"):
            built.step(builder)
    found = snapshots.pointed("aaaa")
    assert found is not None
    assert found[0].entries == tuple(gone_back)
    manifest = built.step(builder)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset) == (18, 22), "from what is pointed to"


def test_a_pointer_that_went_back_to_what_is_gone_is_set_again(built: Built) -> None:
    """A server that lost its last writes points to snapshots that were removed since."""
    builder = built.builder(RetrievalSettings(refresh_s=60))
    before = rolled_back(built, builder)
    FolderStore(built.catalogue.home / "objects").remove(before.snapshot)
    manifest = built.step(builder)
    assert manifest is not None
    assert (manifest.items, manifest.embeddings_offset) == (19, 21)
    assert built.step(builder) is None


def test_the_sample_is_spread_evenly_and_reads_no_other_items(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until_quiet(built.embedder)
    builder = built.builder(RetrievalSettings(refresh_s=0, sample=5))
    builder.indexer.catch_up()
    ids, _ = builder._index.items()

    def read(index: LocalIndex) -> None:
        raise AssertionError("all ids and vectors were read")

    monkeypatch.setattr(LocalIndex, "items", read)
    manifest = built.step(builder)
    assert manifest is not None
    assert list(manifest.sample) == ids[::4]
