"""Rows of a half-sweep against dense normal equations in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.models.half_sweep import (
    Penalty,
    Rows,
    improve_by_blocks,
    improve_by_gradients,
    solve,
)
from palate.types import Float32Array, Float64Array

N, N_OTHERS = 160, 300  # more rows than a thread takes at once


def problem(f: int) -> tuple[Rows, Float32Array, Penalty, Float64Array]:
    """Rows of 0 to 2f entries, around where one way to solve takes over from the other."""
    rng = np.random.default_rng(f)
    counts = rng.integers(0, 2 * f, N)
    counts[:4] = 0, 1, N_OTHERS, 3 * f // 4
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    items = np.concatenate([rng.choice(N_OTHERS, n, replace=False) for n in counts])
    rows = Rows(
        indptr,
        items.astype(np.int32),
        rng.uniform(0.5, 2.0, len(items)).astype(np.float32),
        rng.normal(size=len(items)).astype(np.float32),
    )
    factors: Float32Array = (rng.normal(size=(N_OTHERS, f)) / np.sqrt(f)).astype(np.float32)
    penalty = Penalty(
        rng.uniform(0.1, 2.0, f).astype(np.float32), rng.uniform(0.1, 1.0, N).astype(np.float32)
    )
    expected = np.zeros((N, f))
    for r in range(N):
        part = slice(indptr[r], indptr[r + 1])
        v = factors[rows.items[part]].astype(np.float64)
        normal = (v.T * rows.weights[part]) @ v + np.diag(penalty.diagonal + penalty.ridge[r])
        expected[r] = np.linalg.solve(normal, v.T @ (rows.weights[part] * rows.targets[part]))
    return rows, factors, penalty, expected


@pytest.mark.parametrize("f", [16, 32, 80])
def test_solve(f: int) -> None:
    rows, factors, penalty, expected = problem(f)
    np.testing.assert_allclose(solve(rows, factors, penalty), expected, atol=2e-4)


@pytest.mark.parametrize("f", [16, 48])
def test_gradients_end_there_too(f: int) -> None:
    rows, factors, penalty, expected = problem(f)
    found: Float32Array = np.ones((N, f), np.float32)
    typical = (factors**2).mean(axis=0)
    improve_by_gradients(rows, factors, penalty, found, typical=typical, steps=2 * f)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_gradients_start_from_where_the_rows_are() -> None:
    rows, factors, penalty, expected = problem(16)
    typical = (factors**2).mean(axis=0)
    errors = []
    found: Float32Array = np.zeros((N, 16), np.float32)
    for _ in range(3):
        improve_by_gradients(rows, factors, penalty, found, typical=typical, steps=2)
        errors.append(float(np.abs(found - expected).max()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2 * errors[0]


@pytest.mark.parametrize("size", [16, 32, 48])
def test_blocks_end_there_too(size: int) -> None:
    rows, factors, penalty, expected = problem(48)
    found: Float32Array = np.ones((N, 48), np.float32)
    for _ in range(60 if size < 48 else 1):
        improve_by_blocks(rows, factors, penalty, found, size=size)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_what_single_precision_cannot_solve_is_an_error() -> None:
    rows = Rows.of(
        np.array([0, 40], np.int64), np.zeros(40, np.int32), np.full(40, 1.0, np.float32)
    )
    nothing = Penalty(np.zeros(16, np.float32), np.zeros(1, np.float32))
    with pytest.raises(DataError, match="1 of 1 rows") as refused:
        solve(rows, np.ones((1, 16), np.float32), nothing)
    assert refused.value.hint is not None


def test_transposed_twice_is_the_same() -> None:
    rows, _, _, _ = problem(16)
    again = rows.transposed(N_OTHERS).transposed(N)
    np.testing.assert_array_equal(again.indptr, rows.indptr)
    for r in range(N):
        part = slice(rows.indptr[r], rows.indptr[r + 1])
        order = np.argsort(rows.items[part])
        np.testing.assert_array_equal(again.items[part], rows.items[part][order])
        np.testing.assert_array_equal(again.targets[part], rows.targets[part][order])
        np.testing.assert_array_equal(again.weights[part], rows.weights[part][order])
