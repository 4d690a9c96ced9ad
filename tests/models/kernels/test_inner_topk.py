"""Fused lists equal scores, masks and lists made one after the other, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.kernels.inner import PANEL, USERS, inner_products, panels_of
from palate.models.kernels.inner_topk import inner_top_k
from palate.models.kernels.topk import top_k_rows
from palate.testing.rows import random_histories
from palate.types import BoolArray, Float32Array, Int32Array


def empty(n: int, k: int) -> tuple[Int32Array, Float32Array]:
    return np.full((n, k), -1, np.int32), np.full((n, k), np.nan, np.float32)


@pytest.mark.parametrize("n", [1, 5, USERS + 7])
@pytest.mark.parametrize("n_items", [1, PANEL - 1, 2 * PANEL, 5 * PANEL + 3])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_equals_scores_then_lists(n: int, n_items: int, exclude_seen: bool) -> None:
    rng = np.random.default_rng(n + n_items)
    histories = random_histories(rng, n, n_items, 3 * n)
    # Small whole numbers, so that many scores are equal and ties are met.
    users: Float32Array = rng.integers(-2, 3, (n, 5)).astype(np.float32)
    items: Float32Array = rng.integers(-2, 3, (n_items, 5)).astype(np.float32)
    allowed: BoolArray = rng.random(n_items) < 0.8
    panels = panels_of(items)
    for k in (1, 4, n_items + 2):
        scores: Float32Array = np.empty((n, n_items), np.float32)
        inner_products(users, panels, scores)
        spoken = scores.copy()
        expected, found = empty(n, k), empty(n, k)
        top_k_rows(scores, histories.indptr, histories.items, exclude_seen, allowed, *expected)
        silent = inner_top_k(
            users, panels, histories.indptr, histories.items, exclude_seen, allowed, *found
        )
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        low, high = spoken.min(axis=1), spoken.max(axis=1)
        nothing = np.diff(histories.indptr) == 0
        np.testing.assert_array_equal(silent, nothing | (low >= 0) | (low == high))


def test_nothing_allowed_gives_nothing() -> None:
    found = empty(1, 3)
    indptr, items = np.array([0, 1]), np.zeros(1, np.int32)
    panels = panels_of(np.ones((4, 2), np.float32))
    users: Float32Array = np.ones((1, 2), np.float32)
    inner_top_k(users, panels, indptr, items, True, np.zeros(4, np.bool_), *found)
    assert (found[0] == -1).all()
    assert np.isnan(found[1]).all()


def test_panels_of_another_width_are_refused() -> None:
    panels: Float32Array = np.zeros((2, PANEL // 2), np.float32)
    indptr, items = np.array([0, 0]), np.zeros(0, np.int32)
    with pytest.raises(ValueError, match="another width"):
        inner_top_k(
            np.ones((1, 2), np.float32),
            panels,
            indptr,
            items,
            True,
            np.ones(4, np.bool_),
            *empty(1, 1),
        )
    with pytest.raises(ValueError, match="another width"):
        inner_products(np.ones((1, 2), np.float32), panels, np.zeros((1, 4), np.float32))
