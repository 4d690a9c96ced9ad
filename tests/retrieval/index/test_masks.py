"""Marks beside the rows: what a search may find, while items come, change and go."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.index.clusters import Clusters
from palate.retrieval.index.kernels.scan import BLOCK
from palate.retrieval.index.reach import EVERYWHERE, Reach
from palate.testing.vector_index import brute_force
from palate.types import Float32Array

DIMENSION = 6
QUERY = np.ones((1, DIMENSION), np.float32)


def drawn(n: int, seed: int = 0) -> Float32Array:
    return np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)


@pytest.fixture(params=[1, 9], ids=["one list", "nine lists"])
def index(request: pytest.FixtureRequest) -> LocalIndex:
    clusters = Clusters.around(drawn(request.param, seed=5))
    index = LocalIndex(DIMENSION, Metric.EUCLIDEAN, clusters=clusters, reach=Reach.always(0.0))
    index.upsert([f"i{n}" for n in range(600)], drawn(600))
    return index


def found(index: LocalIndex, k: int, **allowed: object) -> list[str]:
    (hits,) = index.search(QUERY, k, **allowed)  # type: ignore[arg-type]
    return hits.ids


def nearest(numbers: range, k: int) -> list[str]:
    items = {f"i{n}": vector for n, vector in enumerate(drawn(600)) if n in numbers}
    return [one for one, _ in brute_force(items, QUERY[0], k, Metric.EUCLIDEAN)]


def test_only_what_is_marked(index: LocalIndex) -> None:
    mask = index.mask([f"i{n}" for n in range(100)] + ["never there"])
    assert sorted(found(index, 600, allowed=mask)) == sorted(f"i{n}" for n in range(100))
    index.reach = Reach.always(EVERYWHERE)
    assert found(index, 10, allowed=mask) == nearest(range(100), 10)
    index.unmark(mask, ["i3"])
    index.mark(mask, ["i300"])
    assert set(found(index, 600, allowed=mask)) == {f"i{n}" for n in (*range(100), 300)} - {"i3"}
    assert found(index, 5, allowed=index.mask()) == []


def test_masks_combined(index: LocalIndex) -> None:
    low, even = (
        index.mask([f"i{n}" for n in range(90)]),
        index.mask([f"i{n}" for n in range(0, 600, 2)]),
    )
    expected = {
        "and": (low & even, {n for n in range(90) if n % 2 == 0}),
        "or": (low | even, {n for n in range(600) if n < 90 or n % 2 == 0}),
        "not": (~low, set(range(90, 600))),
        "all": (~(low & ~even) & even, set(range(0, 600, 2))),
    }
    for allowed, right in expected.values():
        assert set(found(index, 600, allowed=allowed)) == {f"i{n}" for n in right}


def test_among_and_allowed_both_count(index: LocalIndex) -> None:
    mask = index.mask([f"i{n}" for n in range(100)])
    for among in (["i5", "i500"], [f"i{n}" for n in range(5, 600)]):
        right = {one for one in among if int(one[1:]) < 100}
        assert set(found(index, 600, among=among, allowed=mask)) == right


def test_a_mark_follows_its_item_and_dies_with_it(index: LocalIndex) -> None:
    mask = index.mask(["i1", "i2"])
    index.upsert([f"i{n}" for n in range(600)], drawn(600, seed=1))
    assert set(found(index, 5, allowed=mask)) == {"i1", "i2"}
    index.delete(["i1"])
    index.upsert([f"new{n}" for n in range(20 * BLOCK)], drawn(20 * BLOCK, seed=2))
    assert found(index, 5, allowed=mask) == ["i2"], "nobody inherits the mark of a row"
    index.upsert(["i1"], drawn(1))
    assert found(index, 5, allowed=mask) == ["i2"]
    assert "i1" in found(index, 2000, allowed=~mask)


def test_a_mask_that_nobody_holds_costs_nothing(index: LocalIndex) -> None:
    mask = index.mask(["i1"])
    assert index.lists.n_masks == 1
    del mask
    gc.collect()
    index.mask()
    assert index.lists.n_masks == 0


def test_no_search_finds_what_it_may_not_while_rows_change_hands() -> None:
    """Items named `good` are marked, `bad` ones never; their rows are used by turns."""
    index = LocalIndex(DIMENSION, Metric.EUCLIDEAN)
    mask = index.mask()
    wrong: list[str] = []
    stop = threading.Event()
    rounds: list[int] = []

    def change() -> None:
        while not stop.is_set():
            round_ = len(rounds)
            rounds.append(round_)
            good = [f"good{n}" for n in range(40)]
            index.upsert(good, drawn(40, seed=round_))
            index.mark(mask, good)
            index.delete(good)
            bad = [f"bad{n}" for n in range(40)]
            index.upsert(bad, drawn(40, seed=-round_ % 1000))
            index.delete(bad)

    def search() -> None:
        while len(rounds) < 150:
            wrong.extend(one for one in found(index, 60, allowed=mask) if "good" not in one)
            wrong.extend(one for one in found(index, 60, allowed=mask & mask) if "good" not in one)

    threads = [threading.Thread(target=search) for _ in range(2)]
    writer = threading.Thread(target=change)
    for one in (writer, *threads):
        one.start()
    for one in threads:
        one.join()
    stop.set()
    writer.join()
    assert wrong == []
    assert index.lists.n_slots < 80 * len(rounds), "rows were used again"
