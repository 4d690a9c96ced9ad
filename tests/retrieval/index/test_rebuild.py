"""Building anew in another process: the same items, and what changed meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from palate.errors import StoreError
from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.index.files import read_index
from palate.retrieval.index.rebuild import Rebuild, build_anew
from palate.types import Float32Array

N, DIMENSION = 500, 8


def drawn(n: int, seed: int = 0) -> Float32Array:
    return np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)


def built() -> LocalIndex:
    return LocalIndex.build([f"i{n}" for n in range(N)], drawn(N), Metric.COSINE, n_lists=5)


def test_the_new_index_has_every_change(tmp_path: Path) -> None:
    index = built()
    with Rebuild(index, tmp_path, {"offset": 17}) as rebuild:
        index.upsert(["i3", "new"], drawn(2, seed=1))
        index.delete(["i4", "never there"])
        fresh = rebuild.take()
        assert rebuild.ready
    assert len(fresh.clusters.centroids) == 1, "so few need one list"
    assert len(fresh) == len(index) == N
    ids = [*(f"i{n}" for n in range(N)), "new"]
    assert fresh.vectors(ids) == pytest.approx(index.vectors(ids), nan_ok=True)
    assert "i4" not in fresh
    right = {hit for hits in fresh.search(drawn(9), N) for hit in hits.ids}
    assert right == {one for one in ids if one != "i4"}


def test_the_snapshot_is_as_of_the_start_and_says_so(tmp_path: Path) -> None:
    index = built()
    with Rebuild(index, tmp_path, {"offset": 17}) as rebuild:
        index.delete(["i4"])
        rebuild.take()
    read, about = read_index(rebuild.snapshot)
    assert about == {"offset": 17}
    assert "i4" in read


def test_the_new_lists_are_made_for_what_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, queries = built(), drawn(3, seed=2)
    with Rebuild(index, tmp_path, recall=0.7, queries=queries) as rebuild:
        rebuild.take()
    told: dict[str, object] = {}

    def build(*_: object, **how: object) -> LocalIndex:
        told.update(how)
        return index

    monkeypatch.setattr(LocalIndex, "build", build)
    shutil.rmtree(rebuild.snapshot)
    build_anew(tmp_path, 0.7)
    assert told["recall"] == 0.7
    assert np.array_equal(np.asarray(told["queries"]), queries)


def test_a_child_that_fails_says_why_and_the_old_one_goes_on(tmp_path: Path) -> None:
    index = built()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "in the way").write_text("")
    with Rebuild(index, tmp_path) as rebuild, pytest.raises(StoreError, match="not empty"):
        rebuild.take()
    assert len(index.search(drawn(1), 5)[0].ids) == 5


def test_a_rebuild_that_is_given_up_leaves_nothing_behind(tmp_path: Path) -> None:
    index = built()
    with Rebuild(index, tmp_path) as rebuild:
        pass
    assert rebuild.ready, "the child was ended"
    touched = index.watch()
    index.delete(["i1"])
    assert touched == {"i1"}
