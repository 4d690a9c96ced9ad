"""The fused kernel gives what scoring and then ranking give, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.kernels.dense import TILE, dense_scores
from palate.models.kernels.dense_topk import dense_top_k
from palate.models.kernels.topk import top_k_rows
from palate.types import FloatArray


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_items", [1, TILE, 2 * TILE + 9])
def test_equals_scoring_then_ranking(n_items: int, dtype: type, exclude_seen: bool) -> None:
    rng = np.random.default_rng(n_items)
    n, k = 37, 12
    indptr = np.concatenate(([0], np.cumsum(rng.integers(0, 9, n))))
    items = rng.integers(0, n_items, indptr[-1]).astype(np.int32)
    weights: FloatArray = rng.integers(-2, 3, indptr[-1]).astype(dtype)
    # Small whole numbers: many ties.
    matrix: FloatArray = rng.integers(-1, 2, (n_items, n_items)).astype(dtype)
    allowed = rng.random(n_items) < 0.8
    expected = np.full((n, k), -1, np.int32), np.full((n, k), np.nan, np.float32)
    scores: FloatArray = np.empty((n, n_items), dtype)
    dense_scores(indptr, items, weights, matrix, scores)
    same = (scores == scores[:, :1]).all(axis=1)
    top_k_rows(scores, indptr, items, exclude_seen, allowed, *expected)
    got = np.full((n, k), -1, np.int32), np.full((n, k), np.nan, np.float32)
    silent = dense_top_k(indptr, items, weights, matrix, exclude_seen, allowed, *got)
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])
    worst = np.where(expected[0] >= 0, expected[1], np.inf).min(axis=1)
    np.testing.assert_array_equal(silent, same | (worst == 0))
