"""Cross layers against the formula, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.runtime.cross import cross_layers, crossed
from palate.types import Float32Array


def drawn(*shape: int, seed: int, deviation: float = 1.0) -> Float32Array:
    return np.random.default_rng(seed).normal(0, deviation, shape).astype(np.float32)


def arrays(width: int, layers: int, rank: int) -> dict[str, np.ndarray]:
    found = {}
    for at in range(layers):
        found[f"cross.{at}.bias"] = drawn(width, seed=10 * at)
        if rank:
            found[f"cross.{at}.down.weight"] = drawn(rank, width, seed=10 * at + 1)
        found[f"cross.{at}.weight"] = drawn(width, rank or width, seed=10 * at + 2)
    return found


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("n", [0, 1, 300])
def test_is_the_papers_equation(n: int, layers: int, rank: int) -> None:
    x = drawn(n, 5, seed=99, deviation=0.5)
    known = arrays(5, layers, rank)
    wanted = x.astype(np.float64)
    for at in range(layers):
        whole = known[f"cross.{at}.weight"].astype(np.float64)
        if rank:
            whole = whole @ known[f"cross.{at}.down.weight"]
        wanted = x * (wanted @ whole.T + known[f"cross.{at}.bias"]) + wanted
    found = crossed(x, cross_layers(known))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_by_hand() -> None:
    known = {
        "cross.0.weight": np.array([[0.0, 1.0], [1.0, 0.0]], np.float32),
        "cross.0.bias": np.array([1.0, 0.0], np.float32),
    }
    found = crossed(np.array([[2.0, 3.0]], np.float32), cross_layers(known))
    np.testing.assert_array_equal(found, [[2 * (3 + 1) + 2, 3 * 2 + 3]])


def test_the_input_is_left_alone() -> None:
    x = drawn(4, 5, seed=0)
    before = x.copy()
    crossed(x, cross_layers(arrays(5, 2, 0)))
    np.testing.assert_array_equal(x, before)
