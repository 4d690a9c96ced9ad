"""Embeddings of fields against loops written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from palate.features.columns import Encoded
from palate.models.runtime.embedding import embedded, look_up, pairs

ROWS = Encoded(
    indptr=np.array([0, 3, 3, 5, 9], np.int64),
    indices=np.array([0, 2, 3, 1, 5, 1, 2, 4, 5], np.int32),
    weights=np.array([1.0, 0.5, -2.0, 1.0, 3.0, 1.0, 0.25, 0.75, 2.0], np.float32),
    numbers=np.array([[0.5], [np.nan], [-1.0], [2.0]], np.float32),
    offsets=np.array([0, 2, 5, 6], np.int64),
)
NO_ROWS = Encoded(
    np.zeros(1, np.int64),
    np.empty(0, np.int32),
    np.empty(0, np.float32),
    np.empty((0, 1), np.float32),
    ROWS.offsets,
)


def table(k: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, k)).astype(np.float32)


def written_out(rows: Encoded, weights: np.ndarray) -> np.ndarray:
    out = np.zeros((len(rows), rows.n_fields, weights.shape[1]))
    for r in range(len(rows)):
        for e in range(rows.indptr[r], rows.indptr[r + 1]):
            field = int(np.searchsorted(rows.offsets, rows.indices[e], side="right")) - 1
            out[r, field] += rows.weights[e] * weights[rows.indices[e]].astype(np.float64)
    return out


@pytest.mark.parametrize("k", [1, 3, 16])
def test_a_field_is_the_weighted_sum_of_its_entries(k: int) -> None:
    found = embedded(ROWS, table(k))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, written_out(ROWS, table(k)), atol=1e-6)
    np.testing.assert_array_equal(found[1], 0)  # a row without entries


def test_no_rows() -> None:
    assert embedded(NO_ROWS, table(3)).shape == (0, 3, 3)
    looked = look_up(NO_ROWS, table(3), linear=True, numbers=True)
    assert looked.flat.shape == (0, 3 * 2 + 1)
    assert pairs(looked.vectors).shape == (0,)


def test_what_dense_layers_read() -> None:
    looked = look_up(ROWS, table(3), linear=True, numbers=True)
    whole = written_out(ROWS, table(3))
    np.testing.assert_allclose(looked.weights, whole[:, :, 0].sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(looked.vectors, whole[:, :, 1:], atol=1e-6)
    np.testing.assert_allclose(looked.flat[:, :6], whole[:, :, 1:].reshape(4, 6), atol=1e-6)
    np.testing.assert_array_equal(looked.flat[:, 6], [0.5, 0.0, -1.0, 2.0])  # missing: the mean


def test_without_first_order_and_numbers() -> None:
    looked = look_up(ROWS, table(3), linear=False, numbers=False)
    np.testing.assert_array_equal(looked.weights, 0)
    assert looked.vectors.shape == (4, 3, 3)
    assert looked.flat.shape == (4, 9)


def test_pairs_are_all_inner_products() -> None:
    vectors = np.random.default_rng(1).normal(size=(7, 5, 3)).astype(np.float32)
    wanted = [sum(float(a @ b) for a, b in combinations(row, 2)) for row in vectors]
    np.testing.assert_allclose(pairs(vectors), wanted, atol=1e-5)


def test_one_field_has_no_pairs() -> None:
    vectors = np.random.default_rng(1).normal(size=(7, 1, 3)).astype(np.float32)
    np.testing.assert_allclose(pairs(vectors), 0, atol=1e-6)
