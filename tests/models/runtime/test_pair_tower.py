"""A tower over all pairs, against the same layers one pair at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from palate.models.runtime.pair_tower import PairTower
from palate.types import Float32Array


def drawn(*shape: int) -> Float32Array:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("widths", [(3,), (5, 6), (32, 16), (4, 9, 1), (2, 17, 3)])
@pytest.mark.parametrize("n_items", [1, 16, 37])
def test_equals_the_layers(widths: tuple[int, ...], n_items: int) -> None:
    layers = [(drawn(b, a), drawn(b)) for a, b in pairwise(widths)]
    items, users, last = drawn(n_items, widths[0]), drawn(7, widths[0]), drawn(1, widths[-1])
    out = np.full((7, n_items), 2.0, np.float32)
    PairTower.of(items, layers, last).add_to(out, users)
    hidden = np.maximum(users[:, None].astype(np.float64) + items, 0)
    for w, b in layers:
        hidden = np.maximum(hidden @ w.T + b, 0)
    np.testing.assert_allclose(out, 2 + hidden @ last[0], atol=1e-3, rtol=1e-4)


def test_a_pair_does_not_depend_on_its_neighbours() -> None:
    layers = [(drawn(6, 5), drawn(6))]
    items, users, last = drawn(40, 5), drawn(9, 5), drawn(1, 6)
    whole, alone = np.zeros((9, 40), np.float32), np.zeros((1, 40), np.float32)
    PairTower.of(items, layers, last).add_to(whole, users)
    PairTower.of(items, layers, last).add_to(alone, users[4:5])
    np.testing.assert_array_equal(alone[0], whole[4])
    few = np.zeros((9, 3), np.float32)
    PairTower.of(items[20:23], layers, last).add_to(few, users)
    np.testing.assert_array_equal(few, whole[:, 20:23])


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="followed by"):
        PairTower.of(drawn(4, 5), [(drawn(6, 4), drawn(6))], drawn(1, 6))
    with pytest.raises(ValueError, match="followed by"):
        PairTower.of(drawn(4, 5), [(drawn(6, 5), drawn(6))], drawn(1, 5))
