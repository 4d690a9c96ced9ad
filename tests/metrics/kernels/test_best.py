"""The best rows of each user, against a stable sort."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.metrics.kernels.best import best_rows

SCORE = st.sampled_from([0.0, 1.0, 2.0, 3.0, math.inf, -math.inf, math.nan])


@given(
    table=st.lists(st.tuples(st.integers(-1, 2), SCORE), max_size=30),
    k=st.integers(1, 5),
)
def test_equals_a_stable_sort(table: list[tuple[int, float]], k: int) -> None:
    users = np.array([u for u, _ in table], np.int64)
    scores = np.array([s for _, s in table], np.float64)
    found = best_rows(users, scores, 3, k)
    for user in range(3):
        own = [r for r, (u, s) in enumerate(table) if u == user and not math.isnan(s)]
        expected = sorted(own, key=lambda r: -table[r][1])[:k]
        assert found[user].tolist() == expected + [-1] * (k - len(expected))
