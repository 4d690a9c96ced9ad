"""What every `VectorIndex` adapter passes: inherit, and say how to open one."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palate.errors import DataError
from palate.retrieval.index.base import Hits, Metric, VectorIndex
from palate.types import Float32Array

__all__ = ["VectorIndexConformance", "brute_force"]

DIMENSION = 6


def brute_force(
    items: dict[str, Float32Array], query: Float32Array, k: int, metric: Metric
) -> list[tuple[str, float]]:
    """The right answer: the nearest `k` of some items by float64, ids of equal scores rising."""
    scored = []
    for item, vector in items.items():
        q, x = query.astype(np.float64), vector.astype(np.float64)
        score = float(q @ x)
        if metric is Metric.EUCLIDEAN:
            score = -float(((q - x) ** 2).sum())
        elif metric is Metric.COSINE:
            lengths = float(np.linalg.norm(q) * np.linalg.norm(x))
            score = score / lengths if lengths > 0 else 0.0
        scored.append((item, score))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:k]


class VectorIndexConformance:
    """The law of `VectorIndex`. A subclass writes `open`."""

    def open(self, place: Path, dimension: int, metric: Metric) -> VectorIndex:
        """Open an empty index; `place` is a folder of this test's own."""
        raise NotImplementedError

    @pytest.fixture(params=list(Metric), ids=str)
    def metric(self, request: pytest.FixtureRequest) -> Metric:
        found: Metric = request.param
        return found

    @pytest.fixture
    def index(self, tmp_path: Path, metric: Metric) -> Iterator[VectorIndex]:
        index = self.open(tmp_path, DIMENSION, metric)
        yield index
        index.close()

    @staticmethod
    def drawn(n: int, seed: int = 0) -> dict[str, Float32Array]:
        vectors = np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)
        return {f"i{place:04d}": vector for place, vector in enumerate(vectors)}

    @staticmethod
    def put(index: VectorIndex, items: dict[str, Float32Array]) -> None:
        index.upsert(list(items), np.stack(list(items.values())))

    @staticmethod
    def one(index: VectorIndex, query: Float32Array, k: int) -> Hits:
        (hits,) = index.search(query[None], k)
        return hits

    def test_satisfies_the_port(self, index: VectorIndex) -> None:
        assert isinstance(index, VectorIndex)

    def test_an_empty_index(self, index: VectorIndex) -> None:
        assert len(index) == 0
        assert self.one(index, np.ones(DIMENSION, np.float32), 3).ids == []
        assert index.search(np.empty((0, DIMENSION), np.float32), 3) == []
        index.upsert([], np.empty((0, DIMENSION), np.float32))
        index.delete([])
        assert len(index) == 0

    def test_finds_what_is_nearest(self, index: VectorIndex, metric: Metric) -> None:
        items = self.drawn(500)
        self.put(index, items)
        queries = np.stack(list(self.drawn(20, seed=1).values()))
        for query, hits in zip(queries, index.search(queries, 10), strict=True):
            right = brute_force(items, query, 10, metric)
            assert hits.ids == [item for item, _ in right]
            assert hits.scores.dtype == np.float32
            assert hits.scores == pytest.approx([score for _, score in right], rel=1e-4, abs=1e-4)

    def test_an_index_of_one(self, index: VectorIndex) -> None:
        items = self.drawn(1)
        self.put(index, items)
        assert self.one(index, items["i0000"], 5).ids == ["i0000"]

    def test_k_beyond_what_there_is(self, index: VectorIndex) -> None:
        items = self.drawn(7)
        self.put(index, items)
        assert sorted(self.one(index, items["i0003"], 100).ids) == sorted(items)

    def test_an_upsert_replaces(self, index: VectorIndex) -> None:
        items = self.drawn(50)
        self.put(index, items)
        far, near = np.full(DIMENSION, -9, np.float32), np.full(DIMENSION, 9, np.float32)
        index.upsert(["i0007"], far[None])
        index.upsert(["i0007"], near[None])
        assert len(index) == 50
        assert self.one(index, near, 50).ids[0] == "i0007"
        assert self.one(index, far, 50).ids[-1] == "i0007"
        assert self.one(index, near, 50).ids.count("i0007") == 1

    def test_the_last_of_equal_ids_counts(self, index: VectorIndex) -> None:
        vectors = np.array([[1] + [0] * (DIMENSION - 1), [-1] + [0] * (DIMENSION - 1)], np.float32)
        index.upsert(["a", "a"], vectors)
        assert len(index) == 1
        assert index.vectors(["a"])[0] == pytest.approx(vectors[1])

    def test_what_is_deleted_is_found_no_more(self, index: VectorIndex, metric: Metric) -> None:
        items = self.drawn(100)
        self.put(index, items)
        query = items.pop("i0042")
        index.delete(["i0042", "never there"])
        assert len(index) == 99
        right = [item for item, _ in brute_force(items, query, 10, metric)]
        assert self.one(index, query, 10).ids == right
        index.upsert(["i0042"], query[None])
        assert "i0042" in self.one(index, query, 10).ids

    def test_vectors_are_those_that_were_put(self, index: VectorIndex, metric: Metric) -> None:
        items = self.drawn(5)
        self.put(index, items)
        found = index.vectors(["i0003", "none", "i0001"])
        assert np.isnan(found[1]).all()
        for row, item in ((0, "i0003"), (2, "i0001")):
            put = items[item]
            if metric is Metric.COSINE:
                put = put / np.linalg.norm(put)
            assert found[row] == pytest.approx(put, rel=1e-5)

    def test_only_those_among(self, index: VectorIndex, metric: Metric) -> None:
        items = self.drawn(300)
        self.put(index, items)
        query = np.ones(DIMENSION, np.float32)
        for step in (2, 100):
            some = list(items)[::step]
            (hits,) = index.search(query[None], 5, among=[*some, some[0], "none"])
            right = brute_force({item: items[item] for item in some}, query, 5, metric)
            assert hits.ids == [item for item, _ in right]
        (hits,) = index.search(query[None], 5, among=[])
        assert hits.ids == []

    def test_zero_vectors_are_answered(self, index: VectorIndex) -> None:
        index.upsert(["zero", "one"], np.stack([np.zeros(DIMENSION), np.ones(DIMENSION)]))
        zero = np.zeros(DIMENSION, np.float32)
        assert sorted(self.one(index, zero, 2).ids) == ["one", "zero"]
        assert np.isfinite(self.one(index, zero, 2).scores).all()

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_vector_that_is_not_finite_is_refused(self, index: VectorIndex, bad: float) -> None:
        vectors = np.ones((2, DIMENSION), np.float32)
        vectors[1, 2] = bad
        with pytest.raises(DataError, match="vector 1"):
            index.upsert(["a", "b"], vectors)
        assert len(index) == 0
        with pytest.raises(DataError, match="query 1"):
            index.search(vectors, 1)

    def test_shapes_that_do_not_fit(self, index: VectorIndex) -> None:
        with pytest.raises(DataError):
            index.upsert(["a"], np.ones((2, DIMENSION), np.float32))
        with pytest.raises(DataError):
            index.upsert(["a"], np.ones((1, DIMENSION + 1), np.float32))
        with pytest.raises(DataError):
            index.search(np.ones((1, DIMENSION - 1), np.float32), 1)
        with pytest.raises(DataError):
            index.search(np.ones((1, DIMENSION), np.float32), 0)

    def test_many_changes_leave_what_they_should(self, index: VectorIndex, metric: Metric) -> None:
        rng = np.random.default_rng(3)
        items: dict[str, Float32Array] = {}
        for _ in range(40):
            some = [f"i{number:04d}" for number in rng.integers(0, 200, 30)]
            if rng.random() < 0.4:
                index.delete(some)
                for item in some:
                    items.pop(item, None)
            else:
                vectors = rng.normal(size=(30, DIMENSION)).astype(np.float32)
                index.upsert(some, vectors)
                items.update(zip(some, vectors, strict=True))
            assert len(index) == len(items)
        query = np.ones(DIMENSION, np.float32)
        right = [item for item, _ in brute_force(items, query, 20, metric)]
        assert self.one(index, query, 20).ids == right
