"""Snapshots: what was written answers the same, what was altered is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from palate.errors import BundleError
from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.index.files import read_index, write_index
from palate.testing.process import OtherProcess
from palate.types import Float32Array

QUERIES = np.random.default_rng(5).normal(size=(10, 8)).astype(np.float32)


def drawn(n: int) -> Float32Array:
    return np.random.default_rng(4).normal(size=(n, 8)).astype(np.float32)


@pytest.fixture
def index() -> LocalIndex:
    index = LocalIndex.build([f"i{n}" for n in range(900)], drawn(900), Metric.COSINE, n_lists=9)
    index.delete([f"i{n}" for n in range(0, 900, 7)])
    return index


def answers(index: LocalIndex) -> list[tuple[list[str], list[float]]]:
    return [(hits.ids, hits.scores.tolist()) for hits in index.search(QUERIES, 20)]


def test_what_is_read_answers_the_same(index: LocalIndex, tmp_path: Path) -> None:
    write_index(index, tmp_path / "one", {"space": 3, "offsets": {"items": 17}})
    read, about = read_index(tmp_path / "one")
    assert about == {"space": 3, "offsets": {"items": 17}}
    assert (len(read), read.metric, read.reach) == (len(index), index.metric, index.reach)
    for name, array in index.clusters._asdict().items():
        assert np.array_equal(getattr(read.clusters, name), array), name
    assert answers(read) == answers(index)


def test_what_is_read_can_be_changed_and_the_files_stay(index: LocalIndex, tmp_path: Path) -> None:
    write_index(index, tmp_path / "one")
    before = answers(index)
    read, _ = read_index(tmp_path / "one")
    read.delete([f"i{n}" for n in range(1, 300)])
    read.upsert([f"new{n}" for n in range(700)], drawn(1600)[900:])
    index.delete([f"i{n}" for n in range(1, 300)])
    index.upsert([f"new{n}" for n in range(700)], drawn(1600)[900:])
    assert answers(read) == answers(index)
    again, _ = read_index(tmp_path / "one")
    assert answers(again) == before


def test_other_processes_read_it(index: LocalIndex, tmp_path: Path) -> None:
    write_index(index, tmp_path / "one")
    np.save(tmp_path / "queries.npy", QUERIES)
    source = f"""
import json
from pathlib import Path
import numpy as np
from palate.retrieval.index.files import read_index
index, _ = read_index(Path({str(tmp_path / "one")!r}))
queries = np.load({str(tmp_path / "queries.npy")!r})
print(json.dumps([hits.ids for hits in index.search(queries, 20)]), flush=True)
"""
    with OtherProcess(source) as other:
        assert json.loads(other.line()) == [ids for ids, _ in answers(index)]


def test_pages_are_shared_until_they_are_written(tmp_path: Path) -> None:
    """A process that opens, searches and changes a snapshot owns few pages of its own."""
    n = 60_000
    vectors = np.random.default_rng(1).normal(size=(n, 64)).astype(np.float32)
    write_index(LocalIndex.build([str(i) for i in range(n)], vectors), tmp_path / "one")
    source = f"""
import re
from pathlib import Path
import numpy as np
from palate.retrieval.index import LocalIndex
from palate.retrieval.index.files import read_index
query = np.ones((1, 64), np.float32)
small = LocalIndex(64)
small.upsert(["a"], query)
small.search(query, 100)
def own():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search("Anonymous: +([0-9]+)", text)[1]) / 1024
before = own()
index, _ = read_index(Path({str(tmp_path / "one")!r}), verify=False)
index.search(query, 500)
opened = own()
index.upsert(["1", "new"], np.repeat(query, 2, axis=0))
index.delete(["2"])
found = index.search(query, 10**6)[0].ids
print(len(found), opened - before, own() - opened, flush=True)
"""
    with OtherProcess(source) as other:
        held, opened, changed = other.line().split()
    assert int(held) == n
    size = sum(path.stat().st_size for path in (tmp_path / "one").iterdir()) / 2**20
    assert size > 15, "what a copy would take"
    assert float(opened) < 3
    assert float(changed) < size / 2, "mostly the answer of so many"


def test_a_snapshot_grows_in_place(index: LocalIndex, tmp_path: Path) -> None:
    write_index(index, tmp_path / "one")
    read, _ = read_index(tmp_path / "one")
    vectors = read.lists.arrays.vectors
    read.upsert([f"new{n}" for n in range(3000)], drawn(3000))
    assert read.lists.arrays.vectors is vectors
    read.upsert([f"more{n}" for n in range(40_000)], drawn(40_000))
    assert read.lists.arrays.vectors is not vectors, "four times and more: moved once"
    assert len(read) == len(index) + 43_000
    assert np.isfinite(read.vectors(["i1", "new7", "more39999"])).all()


def test_what_is_not_verified_is_not_read(index: LocalIndex, tmp_path: Path) -> None:
    write_index(index, tmp_path / "one")
    path = tmp_path / "one" / "vectors.npy"
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    read_index(tmp_path / "one", verify=False)
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(BundleError, match="no whole snapshot"):
        read_index(tmp_path / "one", verify=False)


def test_an_empty_index_can_be_kept(tmp_path: Path) -> None:
    write_index(LocalIndex(4), tmp_path / "one")
    read, _ = read_index(tmp_path / "one")
    assert len(read) == 0
    read.upsert(["a"], np.ones((1, 4), np.float32))
    assert read.search(np.ones((1, 4), np.float32), 1)[0].ids == ["a"]


def test_a_folder_in_use_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    (tmp_path / "something").write_text("")
    with pytest.raises(BundleError, match="not empty"):
        write_index(index, tmp_path)


@pytest.mark.parametrize("name", ["codes.npy", "vectors.npy", "heap.npy", "centroids.npy"])
@pytest.mark.parametrize("harm", ["alter", "truncate", "remove"])
def test_a_damaged_snapshot_is_refused(
    index: LocalIndex, tmp_path: Path, name: str, harm: str
) -> None:
    write_index(index, tmp_path / "one")
    path = tmp_path / "one" / name
    raw = path.read_bytes()
    if harm == "remove":
        path.unlink()
    else:
        changed = bytes([raw[-1] ^ 1])
        path.write_bytes(raw[:-1] + changed if harm == "alter" else raw[: len(raw) // 2])
    with pytest.raises(BundleError):
        read_index(tmp_path / "one")


def test_no_snapshot_and_one_of_another_format(index: LocalIndex, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no whole snapshot"):
        read_index(tmp_path / "none")
    write_index(index, tmp_path / "one")
    path = tmp_path / "one" / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9}))
    with pytest.raises(BundleError, match="format 9"):
        read_index(tmp_path / "one")
