from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Histories

ENTRIES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(-3, 3), st.integers(-1, 9)),
    max_size=40,
)


def build(entries: list[tuple[int, int, int, int]]) -> Histories:
    table = np.array(entries, np.int64).reshape(-1, 4)
    return Histories.from_entries(
        table[:, 0].astype(np.int32),
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.float32),
        table[:, 3],
        n_users=5,
        n_items=6,
    )


@given(ENTRIES)
def test_each_user_has_their_entries_oldest_first(
    entries: list[tuple[int, int, int, int]],
) -> None:
    histories = build(entries)
    assert len(histories) == len(entries)
    for user in range(5):
        own = sorted((e for e in entries if e[0] == user), key=lambda e: e[3])  # stable
        part = histories.slice(user, user + 1)
        assert part.items.tolist() == [e[1] for e in own]
        assert part.values.tolist() == [e[2] for e in own]
        assert part.timestamps.tolist() == [e[3] for e in own]


@given(ENTRIES, st.lists(st.integers(-1, 4), max_size=8))
def test_select_gathers_users_and_leaves_unknown_ones_empty(
    entries: list[tuple[int, int, int, int]], users: list[int]
) -> None:
    histories = build(entries)
    chosen = histories.select(np.array(users, np.int64))
    assert chosen.n_users == len(users)
    for place, user in enumerate(users):
        expected = [] if user < 0 else histories.slice(user, user + 1).items.tolist()
        assert chosen.slice(place, place + 1).items.tolist() == expected


@given(ENTRIES)
def test_the_matrix_adds_repeats_up(entries: list[tuple[int, int, int, int]]) -> None:
    dense = np.zeros((5, 6), np.float32)
    touched = np.zeros((5, 6), bool)
    for user, item, value, _ in entries:
        dense[user, item] += value
        touched[user, item] = True
    histories = build(entries)
    np.testing.assert_array_equal(histories.matrix().toarray(), dense)
    np.testing.assert_array_equal(histories.matrix(binary=True).toarray(), touched)
    np.testing.assert_array_equal(histories.item_counts(), touched.sum(axis=0))
    np.testing.assert_array_equal(histories.users(), sorted(e[0] for e in entries))


def test_nobody_and_nothing() -> None:
    nobody = Histories.empty(0, 3)
    assert nobody.n_users == 0
    assert nobody.select(np.array([-1, -1])).indptr.tolist() == [0, 0, 0]
    assert Histories.empty(2, 3).matrix().shape == (2, 3)
    assert Histories.empty(2, 3).item_counts().tolist() == [0, 0, 0]


@pytest.mark.parametrize("n_users", [3, 70_000, 200_000])
@pytest.mark.parametrize("in_order", [True, False])
def test_entries_are_grouped_by_user_and_time(n_users: int, in_order: bool) -> None:
    rng = np.random.default_rng(n_users)
    n = 5_000
    users = rng.integers(0, n_users, n).astype(np.int32)
    times = rng.integers(-1, 50, n) * 10**10
    if in_order:
        times.sort()
    entries = np.arange(n, dtype=np.int32)  # the item says which entry it was
    made = Histories.from_entries(
        users, entries, np.ones(n, np.float32), times, n_users=n_users, n_items=n
    )
    expected = sorted(range(n), key=lambda e: (users[e], times[e], e))
    assert made.items.tolist() == expected
    np.testing.assert_array_equal(np.diff(made.indptr), np.bincount(users, minlength=n_users))
