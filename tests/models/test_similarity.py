"""Dense and sparse similarities say the same, and survive their state."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.pairs import Pairs
from palate.models.similarity import (
    DenseSimilarity,
    Formula,
    SparseSimilarity,
    compare_all,
    compare_nearest,
    restored,
)
from palate.testing.rows import history, random_histories

N = 150


def plain(product: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return product


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return Pairs.counted(random_histories(np.random.default_rng(2), 40, N, 900))


def sparse(pairs: Pairs, k: int = N, formula: Formula = plain) -> SparseSimilarity:
    return compare_nearest(pairs, formula, k, None)


def test_compares_as_a_matrix_product(pairs: Pairs) -> None:
    indptr, items, weights = pairs.by_user
    x = np.zeros((40, N))
    x[np.repeat(np.arange(40), np.diff(indptr)), items] = weights
    np.testing.assert_array_equal(compare_all(pairs, plain, None), x.T @ x)


def test_sparse_equals_dense(pairs: Pairs) -> None:
    whole = DenseSimilarity(compare_all(pairs, plain, None), symmetric=True)
    some = sparse(pairs)
    rng = np.random.default_rng(4)
    histories = random_histories(rng, 70, N, 800)
    weights = rng.normal(size=len(histories))
    np.testing.assert_allclose(
        whole.scores(histories, weights), some.scores(histories, weights), atol=1e-12
    )
    every = np.arange(N, dtype=np.int32)
    np.testing.assert_array_equal(whole.rows(every), some.rows(every))
    for item in (0, N - 1):
        np.testing.assert_array_equal(whole.column(every, item), some.column(every, item))


def test_column_of_repeated_items(pairs: Pairs) -> None:
    some, items = sparse(pairs), np.array([3, 3, 5], np.int32)
    column = some.column(items, 3)
    assert column[0] == column[1] > 0
    assert sparse(pairs).column(np.empty(0, np.int32), 3).shape == (0,)


def test_k_nearest_break_ties_by_row(pairs: Pairs) -> None:
    def ones(product: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return np.ones_like(product)

    whole = compare_all(pairs, plain, None)
    some = sparse(pairs, 2, ones)
    for item in range(N):
        kept = some.columns[some.indptr[item] : some.indptr[item + 1]]
        np.testing.assert_array_equal(kept, np.flatnonzero(whole[item])[:2])


def test_nan_is_no_neighbour(pairs: Pairs) -> None:
    def never(product: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return np.full_like(product, np.nan)

    some = sparse(pairs, 5, never)
    assert len(some.values) == 0
    assert (some.scores(history([0], N), np.ones(1)) == 0).all()


@pytest.mark.parametrize("n", [1, 2, 65])
def test_a_symmetric_matrix_is_saved_by_half(n: int) -> None:
    matrix = np.random.default_rng(n).normal(size=(n, n))
    matrix = matrix + matrix.T
    state = DenseSimilarity(matrix, symmetric=True).state()
    assert sum(a.size for a in state.values()) == n * (n + 1) // 2
    back = restored(state)
    assert isinstance(back, DenseSimilarity)
    np.testing.assert_array_equal(back.matrix, matrix)


def test_other_states_come_back(pairs: Pairs) -> None:
    lopsided = DenseSimilarity(np.arange(9.0, dtype=np.float32).reshape(3, 3), symmetric=False)
    back = restored(lopsided.state())
    assert isinstance(back, DenseSimilarity)
    np.testing.assert_array_equal(back.matrix, lopsided.matrix)
    some = restored(sparse(pairs).state())
    assert isinstance(some, SparseSimilarity)
    np.testing.assert_array_equal(some.values, sparse(pairs).values)


def test_progress_is_told(pairs: Pairs) -> None:
    heard: list[int] = []
    compare_all(pairs, plain, lambda done, total, what: heard.append(done))
    assert sorted(heard) == [64, 128, 150]
