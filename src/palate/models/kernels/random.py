"""A tiny random generator that compiled loops hold in a variable: no state is shared."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["below", "next_state", "seeded"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True, nogil=True, inline="always")
def next_state(state):
    """The state after `state`, uint64 and not 0 (xorshift64, Marsaglia 2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@numba.njit(cache=True, nogil=True, inline="always")
def below(state, n):
    """A number from 0 to n - 1 drawn from `state`, int64; n below 2^32.

    The high bits, multiplied instead of divided (Lemire 2019).
    """
    return np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@numba.njit(cache=True, nogil=True)
def seeded(seed):
    """A first state from `seed`, a non-negative integer (splitmix64, Steele et al. 2014)."""
    z = np.uint64(seed) * GOLDEN + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z | np.uint64(1)
