"""Sums of outer products, systems and axes against numpy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.axes import gram_of, principal_axes, turned
from palate.models.kernels.cholesky import cholesky, solve_cholesky
from palate.models.kernels.tiles import add_outer, padded
from palate.types import Float32Array

WIDTHS = [16, 32, 48, 112]


def drawn(n: int, f: int) -> Float32Array:
    return np.random.default_rng(f).normal(size=(n, f)).astype(np.float32)


@pytest.mark.parametrize(("f", "wide"), [(1, 16), (15, 16), (16, 16), (17, 32), (64, 64)])
def test_padded_is_the_next_multiple_of_sixteen(f: int, wide: int) -> None:
    assert padded(f) == wide


@pytest.mark.parametrize("f", WIDTHS)
@pytest.mark.parametrize("n", [0, 1, 5, 70])
def test_add_outer(f: int, n: int) -> None:
    v, w = drawn(n, f), drawn(n, f)[::-1].copy()
    a: Float32Array = np.ones((f, f), np.float32)
    add_outer(a, f, v, w, n)
    expected = 1 + w.astype(np.float64).T @ v
    np.testing.assert_allclose(np.triu(a), np.triu(expected), atol=1e-4)


@pytest.mark.parametrize("f", WIDTHS)
def test_cholesky_solves_and_ignores_what_is_below_the_diagonal(f: int) -> None:
    v = drawn(3 * f, f)
    whole = v.T.astype(np.float64) @ v
    a = whole.astype(np.float32)
    a[np.tril_indices(f, -1)] = np.nan
    b = drawn(1, f)
    x = b.copy()
    assert cholesky(a, f)
    np.testing.assert_allclose(np.triu(a).T @ np.triu(a), whole, rtol=1e-3, atol=1e-2)
    solve_cholesky(a, f, x)
    np.testing.assert_allclose(x[0], np.linalg.solve(whole, b[0]), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("place", [0, 3, 9, 15])
def test_cholesky_refuses_what_is_not_positive_definite(place: int) -> None:
    for worst in (0.0, -1.0, np.nan):
        a = np.eye(16, dtype=np.float32)
        a[place, place] = worst
        assert not cholesky(a, 16)


@pytest.mark.parametrize("f", WIDTHS)
def test_axes_make_the_gram_matrix_a_diagonal(f: int) -> None:
    factors = drawn(5000, f) * np.linspace(0.2, 3, f, dtype=np.float32)
    axes, lengths = principal_axes(gram_of(factors))
    np.testing.assert_allclose(axes @ axes.T, np.eye(f), atol=2e-5)
    there = turned(factors, axes).astype(np.float64)
    scale = np.sqrt(np.outer(lengths, lengths))
    np.testing.assert_allclose(there.T @ there / scale, np.eye(f), atol=2e-3)
    values = np.linalg.eigvalsh(factors.T.astype(np.float64) @ factors)
    np.testing.assert_allclose(np.sort(lengths), values, rtol=1e-3)


def test_axes_of_fewer_dimensions_than_columns() -> None:
    factors = np.zeros((40, 16), np.float32)
    factors[:, :3] = drawn(40, 3)
    axes, lengths = principal_axes(gram_of(factors))
    np.testing.assert_array_equal(axes[3:], np.eye(16)[3:])  # zero columns stay where they are
    assert (lengths[3:] < 1e-4).all()
    assert (turned(factors, axes)[:, 3:] == 0).all()


def test_axes_of_nothing() -> None:
    axes, lengths = principal_axes(np.zeros((16, 16), np.float32))
    np.testing.assert_array_equal(axes, np.eye(16))
    assert (lengths < 1e-20).all()
