"""Cases to learn from, by hand and by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palate.data import Histories
from palate.models.impressions import Impressions
from palate.testing.rows import random_histories


def by_hand() -> Histories:
    # user 0: clicks 1 at 10, then is shown 2 3 4 at 20 and clicks 2 4; user 1: clicks 5, 6.
    return Histories(
        np.array([0, 4, 4, 6], np.int64),
        np.array([1, 2, 3, 4, 5, 6], np.int32),
        np.array([1, 1, 0, 1, 1, 1], np.float32),
        np.array([10, 20, 20, 20, -1, -1], np.int64),
        7,
    )


def test_by_hand() -> None:
    found = Impressions.of(by_hand(), 2)
    assert found.clicked.tolist() == [2, 4, 6]  # those that come first have no history
    assert found.before.tolist() == [[-1, 1], [-1, 1], [-1, 5]]
    assert found.times_us.tolist() == [20, 20, -1]
    assert found.left.tolist() == [3]
    assert found.start.tolist() == [0, 0, 1]
    assert found.stop.tolist() == [1, 1, 1]


def test_what_is_drawn() -> None:
    found = Impressions.of(by_hand(), 2)
    pool = np.array([0, 5], np.int32)
    drawn = found.beside(np.array([0, 2]), 50, pool, np.random.default_rng(0))
    assert set(drawn[0].tolist()) == {3}
    assert set(drawn[1].tolist()) == {0, 5}


@pytest.mark.parametrize("seed", range(5))
def test_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = random_histories(rng, 6, 30, 80)
    coarse = np.where(whole.timestamps % 5 == 0, -1, whole.timestamps // 10**14)
    users = np.repeat(np.arange(6, dtype=np.int32), np.diff(whole.indptr))
    histories = Histories.from_entries(
        users, whole.items, whole.values, coarse, n_users=6, n_items=30
    )
    found = Impressions.of(histories, 3)
    expected = []
    for user in range(6):
        one = histories.slice(user, user + 1)
        entries = list(zip(one.items, one.values, one.timestamps, strict=True))
        for at, (item, value, time) in enumerate(entries):
            earlier = [int(i) for i, v, t in entries[:at] if v > 0 and (t != time or time < 0)]
            if value <= 0 or not earlier:
                continue
            beside = [int(i) for i, v, t in entries if v <= 0 and t == time and time >= 0]
            left = beside or [int(i) for i, v, _ in entries if v <= 0]
            expected.append((int(item), earlier[-3:], left))
    got = [
        (int(item), [i for i in row.tolist() if i >= 0], found.left[a:b].tolist())
        for item, row, a, b in zip(
            found.clicked, found.before, found.start, found.stop, strict=True
        )
    ]
    assert got == expected


def test_nothing() -> None:
    assert len(Impressions.of(Histories.empty(3, 4), 2)) == 0
    assert len(Impressions.of(by_hand().slice(0, 0), 2)) == 0
    one = by_hand().slice(0, 1)
    only = replace(one, values=np.zeros(4, np.float32))
    assert len(Impressions.of(only, 2)) == 0
