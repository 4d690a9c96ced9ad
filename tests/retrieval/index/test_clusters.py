from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.retrieval.index import LocalIndex, Metric
from palate.retrieval.index.clusters import Clusters, centroids_of, weights_of
from palate.types import Float32Array


def test_centroids_of_groups_that_are_plain() -> None:
    centres = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(300, 2))
    rows = (np.repeat(centres, 100, axis=0) + noise).astype(np.float32)
    found = centroids_of(rows, 3, seed=3)
    apart = np.linalg.norm(found[:, None] - centres, axis=2)
    assert apart.min(axis=0) == pytest.approx([0, 0, 0], abs=0.1)


def test_equal_rows_and_as_many_centroids_as_rows() -> None:
    same = np.ones((5, 3), np.float32)
    assert centroids_of(same, 5, seed=0).tolist() == same.tolist()


def test_nearest_by_euclidean_distance_with_its_square() -> None:
    clusters = Clusters.around(np.array([[0, 0], [4, 0]], np.float32))
    owner, squares = clusters.nearest(np.array([[1, 0], [3, 1], [4, 0]], np.float32))
    assert owner.tolist() == [0, 1, 1]
    assert squares.tolist() == [1, 2, 0]
    none, _ = clusters.nearest(np.empty((0, 2), np.float32))
    assert len(none) == 0


def test_spreads_and_covariance_give_standard_deviations() -> None:
    rng = np.random.default_rng(0)
    clusters = Clusters.around(np.array([[0] * 16, [50] * 16], np.float32))
    drawn = np.concatenate((rng.normal(size=(5000, 16)), rng.normal(50, 3, (5000, 16))))
    rows = drawn.astype(np.float32)
    owner, squares = clusters.nearest(rows)
    spread = clusters.spread_over(rows, owner, squares)
    query = np.eye(16, dtype=np.float32)[3]
    deviations = spread.spreads * np.sqrt(query @ spread.within @ query)
    assert deviations == pytest.approx([1, 3], rel=0.05)
    apart = spread.distances(rows, owner)
    assert np.sqrt((apart**2).mean()) == pytest.approx(1, rel=0.02)
    assert clusters.spread_over(rows[:0], owner[:0], squares[:0]) is clusters
    assert spread.distances(rows[:1] + 9, owner[:1]) > 5


def test_distances_from_lists_that_nothing_is_known_of() -> None:
    clusters = Clusters.around(np.array([[0, 0], [4, 0]], np.float32))
    rows = np.array([[4, 0], [4, 1]], np.float32)
    assert clusters.distances(rows, np.array([1, 1], np.int32)).tolist() == [0, np.inf]


def test_differences_count_where_queries_look() -> None:
    queries = np.array([[5, 0, 0], [-2, 0, 0]], np.float32)  # lengths do not matter
    weights = weights_of(queries)
    assert weights.tolist() == [[2, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    clusters = Clusters.around(np.array([[0, 0, 0], [2, 3, 0]], np.float32), weights)
    owner, squares = clusters.nearest(np.array([[2, 1, 0], [0, 0, 2]], np.float32))
    assert owner.tolist() == [1, 0], "two apart where nobody looks is nearer than two where all do"
    assert squares.tolist() == [2, 2]
    assert weights_of(queries[:0]).tolist() == (np.eye(3) / 2).tolist()


def test_lists_are_narrow_where_queries_look() -> None:
    rows = np.random.default_rng(0).normal(size=(4000, 8)).astype(np.float32)
    look = np.eye(8, dtype=np.float32)[:1]

    def deviation(weights: Float32Array | None) -> float:
        clusters = Clusters.around(centroids_of(rows, 20, 0, weights), weights)
        owner, squares = clusters.nearest(rows)
        return float(clusters.spread_over(rows, owner, squares).within[0, 0])

    assert deviation(weights_of(look)) < 0.5 * deviation(None)


def test_euclidean_lists_stand_where_rows_are_whatever_is_looked_for() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    ids = [f"i{n}" for n in range(400)]
    for metric, alike in ((Metric.EUCLIDEAN, True), (Metric.INNER_PRODUCT, False)):
        index = LocalIndex.build(ids, rows, metric, n_lists=4, queries=rows[:3])
        assert (index.clusters.weights.tolist() == np.eye(4).tolist()) is alike


def test_queries_that_are_none_or_of_another_dimension() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    ids = [f"i{n}" for n in range(400)]
    plain = LocalIndex.build(ids, rows, n_lists=4)
    none = LocalIndex.build(ids, rows, n_lists=4, queries=rows[:0])
    assert none.reach == plain.reach
    assert np.array_equal(none.clusters.centroids, plain.clusters.centroids)
    with pytest.raises(DataError, match=r"\(n, 4\)"):
        LocalIndex.build(ids, rows, n_lists=4, queries=rows[:, :3])
