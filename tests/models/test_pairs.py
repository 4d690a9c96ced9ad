"""Distinct pairs of histories with repeats, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Histories
from palate.models.pairs import Pairs, distinct_items, positive_pairs
from palate.testing.rows import history

ENTRIES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from([-2.0, -1.0, 0.5, 1.0, 2.0])),
    max_size=40,
)


def histories_of(entries: list[tuple[int, int, float]]) -> Histories:
    users, items, values = (
        (np.array(column) for column in zip(*entries, strict=True))
        if (entries)
        else (np.empty(0), np.empty(0), np.empty(0))
    )
    return Histories.from_entries(
        users.astype(np.int32),
        items.astype(np.int32),
        values.astype(np.float32),
        np.arange(len(entries)),
        n_users=5,
        n_items=6,
    )


def dense(pairs: Pairs, side: str) -> np.ndarray:
    indptr, other, weights = pairs.by_user if side == "user" else pairs.by_item
    n, m = (5, 6) if side == "user" else (6, 5)
    out = np.zeros((n, m))
    np.add.at(out, (np.repeat(np.arange(n), np.diff(indptr)), other), weights)
    return out if side == "user" else out.T


@given(ENTRIES)
def test_sums_by_pair(entries: list[tuple[int, int, float]]) -> None:
    sums = np.zeros((5, 6))
    touched = np.zeros((5, 6))
    for user, item, value in entries:
        sums[user, item] += value
        touched[user, item] = 1
    histories = histories_of(entries)
    liked = np.maximum(sums, 0)
    for side in ("user", "item"):
        np.testing.assert_array_equal(dense(Pairs.counted(histories), side), touched)
        np.testing.assert_array_equal(dense(Pairs.positive(histories, binary=False), side), liked)
        np.testing.assert_array_equal(
            dense(Pairs.positive(histories, binary=True), side), liked > 0
        )
    np.testing.assert_array_equal(
        np.bincount(distinct_items(histories), minlength=6), touched.sum(0)
    )
    weights = positive_pairs(histories, binary=False)
    spread = np.zeros((5, 6))
    np.add.at(spread, (histories.users(), histories.items), weights)
    np.testing.assert_array_equal(spread, liked)


def test_norms_and_counts() -> None:
    pairs = Pairs.positive(history([0, 2, 2], 4, [3.0, 1.0, 3.0]), binary=False)
    assert pairs.norms().tolist() == [3.0, 0.0, 4.0, 0.0]
    assert pairs.item_counts().tolist() == [1, 0, 1, 0]
    assert (pairs.n_users, pairs.n_items, pairs.nnz) == (1, 4, 2)


@pytest.mark.parametrize("binary", [True, False])
def test_nobody_liked_anything(binary: bool) -> None:
    pairs = Pairs.positive(history([0, 1], 2, [-1.0, 0.0]), binary=binary)
    assert pairs.nnz == 0
    assert pairs.norms().tolist() == [0.0, 0.0]
