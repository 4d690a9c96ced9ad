"""Similarity of items: cosines, co-occurrence, and any function through the same door."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from palate.data import Histories
from palate.errors import DataError
from palate.metrics import Cosine, similarity
from palate.metrics.similarity import total_similarity
from palate.types import Float64Array, Int32Array


def watched() -> Histories:
    """Users {0, 1}, {0, 1}, {0, 2}; item 3 is cold."""
    return Histories.from_entries(
        np.array([0, 0, 1, 1, 2, 2], np.int32),
        np.array([0, 1, 0, 1, 0, 2], np.int32),
        np.ones(6, np.float32),
        np.zeros(6, np.int64),
        n_users=3,
        n_items=4,
    )


def test_cooccurrence_is_shared_users_over_the_geometric_mean() -> None:
    cosine = Cosine.of_cooccurrence(watched())
    found = cosine(np.array([0, 0, 1, 3], np.int32), np.array([1, 2, 2, 0], np.int32))
    np.testing.assert_allclose(found, [2 / math.sqrt(6), 1 / math.sqrt(3), 0.0, 0.0])


def test_the_callers_features_are_left_alone() -> None:
    features = csr_array(np.array([[3.0, 4.0]]))
    Cosine(features)
    assert features.toarray().tolist() == [[3.0, 4.0]]


def test_nan_features_are_refused() -> None:
    with pytest.raises(DataError, match="NaN"):
        Cosine(csr_array(np.array([[np.nan]])))


def groups(seed: int) -> tuple[Int32Array, np.ndarray, Int32Array]:
    rng = np.random.default_rng(seed)
    items = rng.integers(-1, 4, (6, 3)).astype(np.int32)
    sizes = rng.integers(0, 4, 6)
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return items, indptr, rng.integers(0, 4, int(indptr[-1])).astype(np.int32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("chunk", [1, 4, 1 << 20])
def test_any_function_gives_what_the_compiled_cosine_gives(
    seed: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similarity, "CHUNK_PAIRS", chunk)
    cosine = Cosine.of_cooccurrence(watched())

    def plain(left: Int32Array, right: Int32Array) -> Float64Array:
        return cosine(left, right)

    items, indptr, members = groups(seed)
    compiled = total_similarity(cosine, items, indptr, members)
    np.testing.assert_allclose(
        total_similarity(plain, items, indptr, members), compiled, atol=1e-12
    )
    by_hand = [
        [
            sum(float(cosine(np.array([i]), np.array([m]))[0]) for m in members[a:b]) * (i >= 0)
            for i in row
        ]
        for row, a, b in zip(items, indptr[:-1], indptr[1:], strict=True)
    ]
    np.testing.assert_allclose(compiled, by_hand, atol=1e-12)
