from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from palate.errors import DataError
from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.index.base import VectorIndex
from palate.retrieval.index.clusters import Clusters
from palate.retrieval.index.files import read_index, write_index
from palate.retrieval.index.kernels.codes import quantise
from palate.retrieval.index.kernels.scan import BLOCK
from palate.testing.vector_index import VectorIndexConformance
from palate.types import Float32Array


class TestOneList(VectorIndexConformance):
    def open(self, place: Path, dimension: int, metric: Metric) -> VectorIndex:
        return LocalIndex(dimension, metric)


class TestManyLists(VectorIndexConformance):
    """All lists are scanned, so that answers are exact and the lists alone are tried."""

    def open(self, place: Path, dimension: int, metric: Metric) -> VectorIndex:
        centroids = np.random.default_rng(9).normal(size=(7, dimension)).astype(np.float32)
        clusters = Clusters.around(centroids)
        return LocalIndex(dimension, metric, clusters=clusters)


class TestMapped(VectorIndexConformance):
    """One that was read from a snapshot."""

    def open(self, place: Path, dimension: int, metric: Metric) -> VectorIndex:
        centroids = np.random.default_rng(9).normal(size=(3, dimension)).astype(np.float32)
        clusters = Clusters.around(centroids)
        index = LocalIndex(dimension, metric, clusters=clusters)
        write_index(index, place / "kept")
        return read_index(place / "kept")[0]


def clustered(n: int, dimension: int, seed: int) -> Float32Array:
    """Rows around a few centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, dimension))
    noise = rng.normal(scale=0.2, size=(n, dimension))
    return (centres[rng.integers(0, 20, n)] + noise).astype(np.float32)


@pytest.mark.parametrize("metric", list(Metric))
def test_lists_reach_the_recall_that_was_asked_for(metric: Metric) -> None:
    vectors = clustered(6000, 16, seed=1)
    ids = [str(n) for n in range(len(vectors))]
    index = LocalIndex.build(ids, vectors, metric, n_lists=64, recall=0.98)
    assert len(index.clusters.centroids) == 64
    assert 0 < index.reach.at(50) < 5, "lists spare work"
    queries = clustered(50, 16, seed=1)
    assert recall(index, dict(zip(ids, vectors, strict=True)), queries) >= 0.95


def slot_of(index: LocalIndex, item: str) -> int:
    return int(index.names.find([item])[0])


def recall(index: LocalIndex, items: dict[str, Float32Array], queries: Float32Array) -> float:
    """Share of the true 50 nearest that the index finds."""
    ids, vectors = list(items), np.stack(list(items.values())).astype(np.float64)
    scores = queries @ vectors.T
    if index.metric is Metric.COSINE:
        scores /= np.linalg.norm(vectors, axis=1)
    elif index.metric is Metric.EUCLIDEAN:
        scores -= (vectors**2).sum(axis=1) / 2
    right = 0
    for best, hits in zip(np.argsort(-scores, axis=1), index.search(queries, 50), strict=True):
        right += len({ids[row] for row in best[:50]} & set(hits.ids))
    return right / (50 * len(queries))


def test_recall_stays_when_a_tenth_is_replaced() -> None:
    vectors, queries = clustered(4000, 16, seed=2), clustered(40, 16, seed=2)
    items = {str(n): vector for n, vector in enumerate(vectors)}
    index = LocalIndex.build(list(items), vectors, Metric.COSINE, n_lists=40)
    before = recall(index, items, queries)
    fresh = clustered(4400, 16, seed=2)[4000:]
    items.update({str(n): vector for n, vector in enumerate(fresh)})
    index.upsert([str(n) for n in range(400)], fresh)
    assert recall(index, items, queries) > before - 0.02


def test_few_items_stand_in_one_list() -> None:
    index = LocalIndex.build(["a", "b"], np.eye(2, dtype=np.float32))
    assert len(index.clusters.centroids) == 1


def test_nothing_to_build_from() -> None:
    index = LocalIndex.build([], np.empty((0, 3), np.float32))
    assert (len(index), index.dimension) == (0, 3)
    with pytest.raises(DataError):
        LocalIndex.build([], np.empty(0, np.float32))
    with pytest.raises(DataError):
        LocalIndex(0)


def test_lists_that_hold_too_little_are_not_the_last() -> None:
    centroids = np.array([[10, 0], [-10, 0], [0, 10]], np.float32)
    index = LocalIndex(2, Metric.EUCLIDEAN, clusters=Clusters.around(centroids))
    index.upsert(["left"], np.array([[-9, 0]], np.float32))
    (hits,) = index.search(np.array([[10, 0]], np.float32), 1)
    assert hits.ids == ["left"]
    assert hits.scores == pytest.approx([-361])


def test_a_slot_is_not_used_again_while_a_search_runs() -> None:
    index = LocalIndex(2)
    index.upsert(["a"], np.ones((1, 2), np.float32))
    with index.lists.searching():
        slot = slot_of(index, "a")
        index.delete(["a"])
        index.upsert([str(n) for n in range(3 * BLOCK)], np.ones((3 * BLOCK, 2), np.float32))
        assert slot not in index.names.slots()
    index.upsert(["later"], np.ones((1, 2), np.float32))
    index.upsert([f"x{n}" for n in range(BLOCK)], np.ones((BLOCK, 2), np.float32))
    assert slot in index.names.slots()


def test_what_is_given_up_is_hidden_from_later_searches_alone() -> None:
    index = LocalIndex(2)
    index.upsert(["a", "b"], np.array([[1, 0], [0, 1]], np.float32))
    old = slot_of(index, "a")
    with index.lists.searching() as before:
        index.upsert(["a"], np.array([[0, -1]], np.float32))
        assert index.lists.arrays.alive[old] == 2, "who began before may still find it"
        assert index.lists.may_find(before, old)
        (hits,) = index.search(np.array([[1, 0]], np.float32), 2)
        assert dict(zip(hits.ids, hits.scores.tolist(), strict=True)) == {"a": 0.0, "b": 0.0}
    assert index.lists.arrays.alive[old] == 0


@pytest.mark.parametrize("n_lists", [1, 5])
def test_searches_beside_changes_see_whole_rows(n_lists: int) -> None:
    """Each item's vector is some number in all places: half of two would be none of both.

    Where there are several lists, most changes move an item to another one.
    """
    dimension, n = 64, 400
    centres = np.linspace(1, 100, n_lists, dtype=np.float32)[:, None]
    clusters = Clusters.around(np.repeat(centres, dimension, axis=1))
    index = LocalIndex(dimension, Metric.EUCLIDEAN, clusters=clusters)
    ids = [str(number) for number in range(n)]
    wrong: list[float] = []
    stop = threading.Event()
    changes: list[int] = []

    def change() -> None:
        rng = np.random.default_rng(0)
        while not stop.is_set():
            changes.append(n)
            values = rng.integers(1, 100, n).astype(np.float32)
            index.upsert(ids, np.repeat(values[:, None], dimension, axis=1))

    def search() -> None:
        zero = np.zeros((1, dimension), np.float32)
        for _ in range(300):
            (hits,) = index.search(zero, n)
            values = np.sqrt(-hits.scores / dimension)
            wrong.extend(values[np.abs(values - np.round(values)) > 1e-3].tolist())
            if len(hits.ids) != n or len(set(hits.ids)) != n:
                wrong.append(-1.0)

    index.upsert(ids, np.ones((n, dimension), np.float32))
    writer = threading.Thread(target=change)
    readers = [threading.Thread(target=search) for _ in range(2)]
    for thread in (writer, *readers):
        thread.start()
    for thread in readers:
        thread.join()
    stop.set()
    writer.join()
    assert wrong == []
    assert len(index) == n
    assert sum(changes) > index.lists.n_slots, "rows were used again and again"


def test_a_search_finds_as_many_as_there_are_while_much_is_given_up() -> None:
    """Rows that only an older search may find take no place of those that this one may."""
    index = LocalIndex(2)
    best, good = np.array([[9, 9]], np.float32), np.array([[1, 1]], np.float32)
    index.upsert([f"best{n}" for n in range(300)], np.repeat(best, 300, axis=0))
    index.upsert([f"good{n}" for n in range(50)], np.repeat(good, 50, axis=0))
    with index.lists.searching():
        index.delete([f"best{n}" for n in range(300)])
        (hits,) = index.search(best, 50)
    assert sorted(hits.ids) == sorted(f"good{n}" for n in range(50))


def test_an_item_is_found_once_while_it_has_two_rows() -> None:
    index = LocalIndex(2)
    index.upsert(["a", "b"], np.eye(2, dtype=np.float32))
    arrays = index.lists.arrays
    with index.lists.searching():
        old = slot_of(index, "a")
        index.upsert(["a"], np.array([[0.5, 0]], np.float32))
        arrays.alive[old] = 1  # as between the new row's coming and the old one's going
        (hits,) = index.search(np.array([[1, 0]], np.float32), 5)
    assert hits.ids.count("a") == 1


def test_probing_compares_centroids_alone() -> None:
    centroids = np.array([[10, 0], [0, 10]], np.float32)
    index = LocalIndex(2, Metric.INNER_PRODUCT, clusters=Clusters.around(centroids))
    index.upsert(["a", "b", "c"], np.array([[9, 1], [12, 0], [1, 9]], np.float32))
    first, second = index.probe(np.array([[1, 0], [0, 1]], np.float32), 2)
    assert sorted(first.ids) == ["a", "b"]
    assert first.scores.tolist() == [10, 10]
    assert second.ids[0] == "c"
    assert len(second.ids) == 2
    assert len(index.probe(np.array([[1, 0]], np.float32), 100)[0].ids) == 3


def test_an_item_is_in_every_answer_while_it_is_replaced() -> None:
    index = LocalIndex(4)
    index.upsert(["a"], np.ones((1, 4), np.float32))
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            index.upsert(["a"], np.ones((1, 4), np.float32))

    writer = threading.Thread(target=change)
    writer.start()
    answers = [index.search(np.ones((1, 4), np.float32), 3)[0].ids for _ in range(2000)]
    stop.set()
    writer.join()
    assert all(answer == ["a"] for answer in answers)


def test_codes_are_within_half_a_step() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 10)).astype(np.float32)
    vectors[7] = 0
    codes, scales = np.full((50, 32), 99, np.int8), np.empty(50, np.float32)
    quantise(vectors, codes, scales)
    assert (codes[:, 10:] == 0).all()
    assert (codes[7] == 0).all()
    assert np.abs(codes[:, :10] * scales[:, None] - vectors).max() <= scales.max() / 2 + 1e-6


def test_vectors_come_with_the_items_that_were_found() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    index = LocalIndex.build([f"i{n}" for n in range(200)], vectors)
    index.delete(["i7"])
    index.upsert(["i9"], vectors[:1])
    (hits,) = index.search(vectors[3:4], 50, vectors=True)
    assert hits.vectors is not None
    np.testing.assert_array_equal(hits.vectors, index.vectors(hits.ids))
    (plain,) = index.search(vectors[3:4], 50)
    assert plain.vectors is None
    assert plain.ids == hits.ids
