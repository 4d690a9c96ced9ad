"""`palate index`: what is listed, what a rollback does to pointer, worker and indexer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.retrieval.stage import CARS, A, Stage

from palate.config import Settings
from palate.retrieval.builder import Builder
from palate.retrieval.settings import RetrievalSettings
from palate.serve.counters import Counters
from palate.serve.replica_index import ReplicaIndex
from palate.store.folder_store import FolderStore
from palate.store.sqlite_pointer import SqlitePointer
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue

Run = Callable[..., Any]
NEAR = FakeEncoder("aabb", dimension=5)  # a space whose name begins as that of A


@pytest.fixture
def stage() -> Iterator[Stage]:
    """In the home that the command line takes by default."""
    with LiveCatalogue(Path(".palate")) as catalogue:
        yield Stage(catalogue, A, NEAR)


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[Counters]:
    made = Counters(tmp_path / "counters" / "worker-0.bin")
    yield made
    made.close()


def test_without_snapshots_it_says_who_makes_them(palate: Run) -> None:
    done = palate("index", "list")
    assert (done.code, palate("index", "list", "--json").data) == (0, [])
    assert "--role indexer" in done.out
    refused = palate("index", "rollback", "aaaa")
    assert refused.code == 1
    assert "no space is called 'aaaa'" in refused.err
    assert "--role indexer" in refused.err


def test_every_snapshot_of_every_space_is_listed(palate: Run, stage: Stage) -> None:
    one = stage.publish()
    stage.sell("car1")
    two = stage.publish()
    stage.embedder.use([A])
    other = stage.publish("aabb")
    found = palate("index", "list", "--json").data
    assert [(row["space"], row["stands"], row["snapshot"], row["items"]) for row in found] == [
        ("aaaa", "answers", two.snapshot, 19),
        ("aaaa", "before", one.snapshot, 20),
        ("aabb", "answers", other.snapshot, 19),
    ]
    assert [row["embedded"] for row in found] == [True, True, False]
    assert [row["embeddings_offset"] for row in found[:2]] == [
        two.embeddings_offset,
        one.embeddings_offset,
    ]
    assert found[0]["made_at"] >= found[1]["made_at"] > "2026-"
    shown = palate("index", "list").out.splitlines()
    assert shown[0].split() == [
        "space", "stands", "snapshot", "items", "made", "(UTC)", "reflects", "embedded",
    ]  # fmt: skip
    assert [line.split()[:2] for line in shown[1:]] == [
        ["aaaa", "answers"], ["aaaa", "before"], ["aabb", "answers"],
    ]  # fmt: skip
    assert two.snapshot.rpartition("/")[2] in shown[1]


def damage(stage: Stage, snapshot: str, file: str) -> None:
    path = FolderStore(stage.catalogue.home / "objects").fetch(snapshot) / file
    raw = path.read_bytes()
    path.unlink()  # it is read-only
    path.write_bytes(raw + b" ")


def test_a_damaged_snapshot_is_listed_as_that(palate: Run, stage: Stage) -> None:
    damage(stage, stage.publish().snapshot, "snapshot.json")
    stage.publish()
    done = palate("index", "list", "--json")
    assert [row["stands"] for row in done.data] == ["answers", "before, damaged"]
    assert (done.data[1]["items"], done.data[1]["made_at"]) == (None, None)
    assert "was altered" in done.err
    assert "before, damaged" in palate("index", "list").out


def test_a_rollback_is_said_done_and_kept_in_the_audit(palate: Run, stage: Stage) -> None:
    one, two = stage.publish(), stage.publish()
    done = palate("index", "rollback", "aaa", "--reason", "too few", "--json")
    assert done.code == 0
    assert (done.data["space"], done.data["left"]) == ("aaaa", two.snapshot)
    assert (done.data["snapshot"], done.data["items"]) == (one.snapshot, 20)
    assert "0.25 s" in done.err
    assert "600 s" in done.err
    pointed = stage.catalogue.snapshots.pointed("aaaa")
    assert pointed is not None
    assert pointed[0].entries == (one,)
    (entry,) = palate("audit", "--json").data
    assert (entry["action"], entry["ref"]) == ("index.rollback", one.snapshot)
    assert (entry["previous"], entry["why"]) == (two.snapshot, "too few")
    again = palate("index", "rollback", "aaaa")
    assert again.code == 1
    assert "no snapshot before the newest" in again.err
    assert "next:" in again.err
    assert len(palate("audit", "--json").data) == 1


def test_people_read_where_it_went(palate: Run, stage: Stage) -> None:
    one, _ = stage.publish(), stage.publish()
    done = palate("index", "rollback", "aaaa")
    assert done.out.startswith(f"aaaa is answered from {one.snapshot.removeprefix('index/aaaa/')}")
    assert "20 items" in done.out


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("a", "several spaces begin with 'a'"),
        ("b", "no space is called 'b'"),
        ("", "no space is called ''"),
        ("aaaaa", "no space is called 'aaaaa'"),
    ],
)
def test_a_space_must_be_one(palate: Run, stage: Stage, named: str, said: str) -> None:
    entries = [stage.publish(), stage.publish(), stage.publish("aabb")]
    done = palate("index", "rollback", named)
    assert done.code == 1
    assert said in done.err
    assert "aaaa, aabb" in done.err
    pointed = stage.catalogue.snapshots.pointed("aaaa")
    assert pointed is not None
    assert pointed[0].current == entries[1]


def test_to_a_damaged_snapshot_there_is_no_way_back(palate: Run, stage: Stage) -> None:
    one, two = stage.publish(), stage.publish()
    damage(stage, one.snapshot, "index.json")
    done = palate("index", "rollback", "aaaa")
    assert done.code == 1
    assert "cannot go back" in done.err
    assert "altered" in done.err
    pointed = stage.catalogue.snapshots.pointed("aaaa")
    assert pointed is not None
    assert pointed[0].current == two
    assert palate("audit", "--json").data == []


def test_who_is_faster_wins(palate: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.publish()
    stage.publish()
    monkeypatch.setattr(SqlitePointer, "set", lambda *given, **named: None)
    done = palate("index", "rollback", "aaaa")
    assert done.code == 1
    assert "changed by somebody else" in done.err
    assert "try again" in done.err


def test_a_worker_goes_back_and_what_is_sold_stays_sold(
    palate: Run, stage: Stage, counters: Counters
) -> None:
    nets: Any = A
    settings = Settings(retrieval={"stagger_s": 0.0})
    snapshots = stage.catalogue.snapshots
    worker = ReplicaIndex(nets, lambda: stage.topic, snapshots, settings, counters)

    def found() -> set[str]:
        assert worker.index is not None
        return set(worker.index.search(np.ones((1, 8), np.float32), 100)[0].ids)

    one = stage.publish()
    assert worker.refresh()
    former = worker.index
    stage.sell("car1")
    worker.follow()
    two = stage.publish()
    assert worker.refresh()
    assert worker.snapshot == two.snapshot
    stage.sell("car2")  # is in neither snapshot, and not followed before the switch
    assert palate("index", "rollback", "aaaa").code == 0
    assert worker.refresh()
    assert (worker.snapshot, worker.index) == (one.snapshot, former), "kept, not loaded again"
    assert found() == {*CARS} - {"car1", "car2"}
    stage.sell("car3")
    worker.follow()
    assert found() == {*CARS} - {"car1", "car2", "car3"}
    builder = Builder(
        stage.topic, snapshots, "aaaa", stage.embedder.spaces["aaaa"], RetrievalSettings()
    )
    assert builder.step(stage.embedder.spaces["aaaa"], lambda: 1e12) is not None
    assert worker.refresh(), "the next snapshot of the indexer is taken"
    assert found() == {*CARS} - {"car1", "car2", "car3"}
