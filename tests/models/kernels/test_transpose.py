"""Entries by column against a stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.kernels.transpose import transpose
from palate.types import Float32Array, Int32Array


@pytest.mark.parametrize(("n", "n_columns", "m"), [(1, 1, 1), (5, 7, 0), (40, 9, 300)])
def test_equals_a_stable_sort(n: int, n_columns: int, m: int) -> None:
    rng = np.random.default_rng(m)
    rows = np.sort(rng.integers(0, n, m))
    columns: Int32Array = rng.integers(0, n_columns, m).astype(np.int32)
    weights: Float32Array = rng.random(m).astype(np.float32)
    targets: Float32Array = rng.random(m).astype(np.float32)
    indptr = np.searchsorted(rows, np.arange(n + 1)).astype(np.int64)
    found = transpose(indptr, columns, weights, targets, n_columns)
    order = np.argsort(columns, kind="stable")
    starts = np.searchsorted(columns[order], np.arange(n_columns + 1))
    wanted = (starts, rows[order], weights[order], targets[order])
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(have, want)
