"""Top-k against sorting everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.models.kernels.topk import popularity_where_silent, top_k_rows
from palate.types import FloatArray

nan = float("nan")
SCORE = st.sampled_from([nan, -np.inf, -1.0, 0.0, 0.5, 1.0, 2.0, np.inf])


def top(
    scores: np.ndarray, k: int, seen: list[int] | None = None, allowed: list[bool] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    n, n_items = scores.shape
    items = np.full((n, k), -1, np.int32)
    values = np.full((n, k), np.nan, np.float32)
    history = np.array(seen or [], np.int32)
    indptr = np.full(n + 1, len(history), np.int64)
    indptr[0] = 0
    mask = np.ones(n_items, np.bool_) if allowed is None else np.array(allowed)
    top_k_rows(scores.copy(), indptr, history, seen is not None, mask, items, values)
    return items, values


@given(st.lists(SCORE, min_size=1, max_size=30), st.integers(1, 40), st.data())
def test_equals_sorting_everything(row: list[float], k: int, data: st.DataObject) -> None:
    seen = data.draw(st.lists(st.integers(0, len(row) - 1), max_size=5))
    allowed = data.draw(st.lists(st.booleans(), min_size=len(row), max_size=len(row)))
    items, values = top(np.array([row]), k, seen, allowed)
    in_play = [
        (-score, item)
        for item, score in enumerate(row)
        if score == score and item not in seen and allowed[item]
    ]
    expected = [item for _, item in sorted(in_play)][:k]
    assert items[0].tolist() == expected + [-1] * (k - len(expected))
    assert values[0, : len(expected)].tolist() == [row[i] for i in expected]
    assert np.isnan(values[0, len(expected) :]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows(dtype: type) -> None:
    scores: FloatArray = np.random.default_rng(0).normal(size=(20, 500)).astype(dtype)
    items, _ = top(scores, 25)
    np.testing.assert_array_equal(items, np.argsort(-scores, axis=1)[:, :25])


def test_differences_below_single_precision_count() -> None:
    items, _ = top(np.array([[1.0, 1.0 + 1e-12, 1.0 + 2e-12]]), 3)
    assert items[0].tolist() == [2, 1, 0]


def test_k_far_above_the_catalogue_takes_no_time() -> None:
    items, _ = top(np.arange(5.0)[None], 1_000_000)
    assert items[0, :6].tolist() == [4, 3, 2, 1, 0, -1]


@pytest.mark.parametrize(
    ("row", "flat"),
    [
        ([1.0, 1.0, 1.0], True),
        ([nan, nan, nan], True),
        ([nan, 2.0, nan], True),
        ([nan, 2.0, 1.0], False),
        ([0.0, -0.0, 0.0], True),
        ([1.0, 1.0, 2.0], False),
    ],
)
def test_flat_rows_become_popularity(row: list[float], flat: bool) -> None:
    popularity = np.array([3, 2, 1], np.float32)
    scores = np.array([row])
    popularity_where_silent(scores, np.array([0, 1]), popularity)
    np.testing.assert_array_equal(scores[0], popularity if flat else row)


def test_an_empty_history_becomes_popularity() -> None:
    scores = np.array([[1.0, 2.0], [1.0, 2.0]])
    popularity_where_silent(scores, np.array([0, 0, 1]), np.array([8, 9], np.float32))
    assert scores.tolist() == [[8.0, 9.0], [1.0, 2.0]]


def test_an_item_that_nothing_speaks_for_comes_last_by_popularity() -> None:
    popularity = np.array([0, 1, 3, 9], np.float32)
    scores = np.array([[0.0, 0.5, 0.0, 0.0], [0.0, -0.5, 0.0, 1.0]])
    popularity_where_silent(scores, np.array([0, 1, 2]), popularity)
    # A model with negative scores means its zeros.
    assert scores.tolist() == [[-1.0, 0.5, -0.25, -0.1], [0.0, -0.5, 0.0, 1.0]]
