"""The generator of compiled loops: within bounds, even, and different by seed."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.random import below, next_state, seeded


@numba.njit
def draws(seed, n, count):  # type: ignore[no-untyped-def]  # compiled
    state = seeded(seed)
    out = np.empty(count, np.int64)
    for at in range(count):
        state = next_state(state)
        out[at] = below(state, n)
    return out


def test_draws_are_even() -> None:
    for seed in (0, 1, 12345):
        counts = np.bincount(draws(seed, 10, 100_000), minlength=10)
        assert len(counts) == 10
        # Standard deviation of a count is 95.
        assert (abs(counts - 10_000) < 500).all()


def test_neighbouring_draws_are_independent() -> None:
    found = draws(7, 4, 160_000)
    pairs = np.bincount(found[:-1] * 4 + found[1:], minlength=16)
    assert (abs(pairs - 10_000) < 500).all()


def test_seeds_differ() -> None:
    assert len({tuple(draws(seed, 1 << 30, 3)) for seed in range(50)}) == 50


def test_one_choice() -> None:
    assert (draws(3, 1, 10) == 0).all()
