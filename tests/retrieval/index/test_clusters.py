from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.clusters import Clusters, centroids_of


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


def test_spreads_are_standard_deviations() -> None:
    rng = np.random.default_rng(0)
    clusters = Clusters.around(np.array([[0] * 16, [50] * 16], np.float32))
    rows = np.concatenate((rng.normal(size=(5000, 16)), rng.normal(50, 3, (5000, 16))))
    owner, squares = clusters.nearest(rows.astype(np.float32))
    spreads = clusters.spread_over(owner, squares).spreads
    assert spreads == pytest.approx([1, 3], rel=0.02)
    lone = clusters.spread_over(owner[:0], squares[:0]).spreads
    assert lone.tolist() == [0, 0]
