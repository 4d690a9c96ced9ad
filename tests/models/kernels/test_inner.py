"""Scores are inner products, and those of a user do not depend on the others."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.kernels.inner import PANEL, USERS, inner_products, panels_of
from palate.types import Float32Array


@pytest.mark.parametrize("n", [0, 1, 3, 4, 7, USERS + 5])
@pytest.mark.parametrize("n_items", [1, PANEL - 1, PANEL, 3 * PANEL + 5])
@pytest.mark.parametrize("f", [1, 10, 64])
def test_inner_products(n: int, n_items: int, f: int) -> None:
    rng = np.random.default_rng(f)
    users: Float32Array = rng.normal(size=(n, f)).astype(np.float32)
    items: Float32Array = rng.normal(size=(n_items, f)).astype(np.float32)
    panels = panels_of(items)
    out: Float32Array = np.full((n, n_items), np.nan, np.float32)
    inner_products(users, panels, out)
    np.testing.assert_allclose(out, users.astype(np.float64) @ items.T, atol=1e-4)
    for u in range(n):
        alone: Float32Array = np.empty((1, n_items), np.float32)
        inner_products(users[u : u + 1], panels, alone)
        np.testing.assert_array_equal(alone[0], out[u])
