"""Tiles give the same bits as whole rows, and both the product of matrices."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.kernels.dense import PACK_FROM, TILE, dense_scores
from palate.types import FloatArray


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_items", [1, TILE - 1, TILE, 2 * TILE + 7])
def test_tiles_equal_rows_to_the_last_bit(n_items: int, dtype: type) -> None:
    rng = np.random.default_rng(n_items)
    n = PACK_FROM + 5
    lengths = rng.integers(0, 12, n)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    items = rng.integers(0, n_items, indptr[-1]).astype(np.int32)
    weights = rng.normal(size=indptr[-1]).astype(dtype)
    matrix: FloatArray = rng.normal(size=(n_items, n_items)).astype(dtype)
    tiled: FloatArray = np.full((n, n_items), np.nan, dtype)
    dense_scores(indptr, items, weights, matrix, tiled)
    for u in range(n):
        row: FloatArray = np.full((1, n_items), np.nan, dtype)
        dense_scores(indptr[u : u + 2], items, weights, matrix, row)
        np.testing.assert_array_equal(row[0], tiled[u])
        part = slice(indptr[u], indptr[u + 1])
        expected = weights[part].astype(np.float64) @ matrix[items[part]]
        np.testing.assert_allclose(tiled[u], expected, rtol=1e-4, atol=1e-4)
