"""Draws depend on their key, all of it, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch

from palate.train.seeds import generator, reseed, seeded


def from_torch(*key: int) -> tuple[float, ...]:
    reseed(*key)
    return tuple(torch.rand(3).tolist())


def from_numpy(*key: int) -> tuple[float, ...]:
    return tuple(generator(*key).random(3).tolist())


def check(draw: Callable[..., tuple[float, ...]]) -> None:
    keys = [*product(range(4), repeat=3), *product(range(4), repeat=2), (0,), (1 << 40, 1, 2)]
    drawn = {key: draw(*key) for key in keys}
    assert len(set(drawn.values())) == len(keys)
    assert all(draw(*key) == drawn[key] for key in reversed(keys))


def test_torchs_draws_are_those_of_the_key() -> None:
    with seeded(0):
        check(from_torch)


def test_numpys_draws_are_those_of_the_key() -> None:
    check(from_numpy)


def test_draws_of_adjacent_steps_have_nothing_in_common() -> None:
    with seeded(0):
        steps = []
        for step in range(200):
            reseed(42, 1, step, 0, 3)
            steps.append(torch.rand(50).numpy())
    correlations = np.corrcoef(np.array(steps))
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 0.75  # 20,000 pairs of 50 numbers; |r| is about N(0, 1/7)


def test_torch_goes_on_after_an_error_inside() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    try:
        with seeded(9):
            torch.rand(5)
            raise ValueError
    except ValueError:
        assert torch.equal(torch.rand(1), expected)
