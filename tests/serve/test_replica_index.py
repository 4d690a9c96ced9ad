"""A worker's index from snapshots: what is damaged is refused, counted and logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.retrieval.stage import CARS, A, Stage

from palate.config import Settings
from palate.serve.counters import Counters
from palate.serve.exposition import exposition
from palate.serve.replica_index import ReplicaIndex
from palate.store.folder_store import FolderStore
from palate.testing.live_catalogue import LiveCatalogue


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with LiveCatalogue(tmp_path / "home") as catalogue:
        yield Stage(catalogue, A)


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[Counters]:
    made = Counters(tmp_path / "counters" / "worker-0.bin")
    yield made
    made.close()


def replicated(stage: Stage, counters: Counters) -> ReplicaIndex:
    nets: Any = A
    settings = Settings(retrieval={"stagger_s": 0.0})
    return ReplicaIndex(nets, lambda: stage.topic, stage.catalogue.snapshots, settings, counters)


def refused(folder: Path) -> str:
    text = exposition(folder, {})
    (line,) = (x for x in text.splitlines() if x.startswith("palate_snapshots_refused_total "))
    return line.rpartition(" ")[2]


@pytest.mark.parametrize("file", ["snapshot.json", "index.json", "the largest"])
@pytest.mark.parametrize("how", ["altered", "cut short", "missing"])
def test_a_damaged_snapshot_is_refused_and_the_one_before_answers(
    stage: Stage,
    counters: Counters,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    file: str,
    how: str,
) -> None:
    index = replicated(stage, counters)
    before = stage.publish()
    assert index.refresh()
    stage.sell("car1")
    index.follow()
    entry = stage.publish()
    folder = FolderStore(stage.catalogue.home / "objects").fetch(entry.snapshot)
    files = [path for path in folder.iterdir() if path.suffix != ".json"]
    path = max(files, key=lambda p: p.stat().st_size) if file == "the largest" else folder / file
    path.chmod(0o644)
    raw = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "cut short":
        path.write_bytes(raw[: len(raw) // 2])
    else:
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    assert refused(tmp_path / "counters") == "0"
    assert not index.refresh()
    assert index.snapshot == before.snapshot
    assert index.index is not None
    assert len(index.index) == len(CARS) - 1, "and what was sold stays sold"
    assert refused(tmp_path / "counters") == "1"
    assert f"snapshot {entry.snapshot} is refused, the one before stays" in caplog.text
    assert not index.refresh()
    assert refused(tmp_path / "counters") == "1", "it is tried again later, not all the time"
    assert index.follow() == 0


def test_without_a_snapshot_there_is_no_index(stage: Stage, counters: Counters) -> None:
    index = replicated(stage, counters)
    assert (index.refresh(), index.follow(), index.index, index.snapshot) == (False, 0, None, "")
