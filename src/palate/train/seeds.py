"""Random numbers that depend on where training is, and on nothing that happened before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch

__all__ = ["generator", "reseed", "seeded"]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def generator(*key: int) -> np.random.Generator:
    """NumPy's generator for a key such as (seed, epoch, batch); different keys, other numbers.

    Args:
        key: Whole numbers, at least 0.
    """
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((len(key), *key))))


def reseed(*key: int) -> None:
    """Set torch's own generator (dropout, starts of layers) by a key like `generator`'s.

    Every step does it, so the key is mixed by plain arithmetic, in a microsecond or two.
    """
    state = len(key)
    for part in key:
        state = _mixed(state + _GOLDEN * (part + 1))
    torch.default_generator.manual_seed(state >> 1)


def _mixed(state: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014, OOPSLA, figure 17)."""
    state &= _MASK
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Torch draws by `key` inside the block, and goes on as if nothing had been after it.

    with seeded(config.seed):
        net = Net(config)
    """
    kept = torch.default_generator.get_state()
    reseed(*key)
    try:
        yield
    finally:
        torch.default_generator.set_state(kept)
