"""Dense layers: worked by hand, against float64, and the same for a row alone as in a batch."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.runtime.dense import Dense, dense, mlp, relu, sigmoid


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_by_hand() -> None:
    x = np.array([[1.0, 2.0]], np.float32)
    weights = np.array([[1.0, 0.0], [0.5, -1.0], [2.0, 2.0]], np.float32)
    bias = np.array([0.0, 1.0, -1.0], np.float32)
    np.testing.assert_array_equal(dense(x, weights, bias), [[1.0, -0.5, 5.0]])
    np.testing.assert_array_equal(dense(x, weights), [[1.0, -1.5, 6.0]])


@pytest.mark.parametrize(("n", "n_in", "n_out"), [(1, 1, 1), (5, 3, 17), (300, 40, 16), (0, 4, 2)])
def test_is_the_product(n: int, n_in: int, n_out: int) -> None:
    x, weights, bias = drawn(n, n_in), drawn(n_out, n_in, seed=1), drawn(n_out, seed=2)
    found = dense(x, weights, bias)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x.astype(np.float64) @ weights.T + bias, atol=1e-5)


def test_leading_axes_stay() -> None:
    x, weights = drawn(2, 3, 4), drawn(5, 4, seed=1)
    np.testing.assert_allclose(dense(x, weights), x @ weights.T, atol=1e-5)
    assert dense(x[:, :0], weights).shape == (2, 0, 5)
    assert dense(x[0, 0], weights).shape == (5,)


def test_a_row_alone_is_answered_as_in_a_batch() -> None:
    x = drawn(70, 33)
    layers = [Dense.of(drawn(40, 33, seed=1), drawn(40)), Dense.of(drawn(3, 40, seed=2))]
    batch = mlp(x, layers)
    for row in range(len(x)):
        np.testing.assert_array_equal(mlp(x[row : row + 1], layers), batch[row : row + 1])


def test_several_layers_bend_between_and_not_after() -> None:
    x = np.array([[1.0], [-1.0]], np.float32)
    layers = [
        Dense.of(np.array([[1.0], [-2.0]], np.float32)),
        Dense.of(np.array([[-1.0, 1.0]], np.float32), np.array([0.5], np.float32)),
    ]
    np.testing.assert_array_equal(mlp(x, layers), [[-0.5], [2.5]])
    np.testing.assert_array_equal(mlp(x, layers[:1]), [[1.0, -2.0], [-1.0, 2.0]])


def test_more_rows_than_fit_the_cache() -> None:
    x, weights = drawn(600, 8), drawn(4, 8, seed=1)
    np.testing.assert_array_equal(mlp(x, [Dense.of(weights)]), dense(x, weights))


def test_the_input_is_left_alone() -> None:
    x = drawn(9, 4)
    before = x.copy()
    mlp(x, [Dense.of(drawn(4, 4)), Dense.of(drawn(4, 4))])
    relu(x)
    np.testing.assert_array_equal(x, before)


def test_other_layouts_and_dtypes_are_read() -> None:
    x, weights = drawn(6, 4), drawn(5, 4, seed=1)
    wanted = dense(x, weights)
    np.testing.assert_array_equal(dense(np.asfortranarray(x), weights), wanted)
    np.testing.assert_array_equal(dense(x, np.asfortranarray(weights)), wanted)


def test_nan_stays_in_its_row() -> None:
    x = drawn(5, 4)
    x[2, 1] = np.nan
    bad = np.isnan(dense(x, drawn(3, 4, seed=1)))
    assert bad[2].all()
    assert not np.delete(bad, 2, axis=0).any()


def test_ends_of_the_curves() -> None:
    x = np.array([-1e30, -1.0, 0.0, 1.0, 1e30, np.nan], np.float32)
    np.testing.assert_array_equal(relu(x), [0, 0, 0, 1, np.float32(1e30), np.nan])
    np.testing.assert_allclose(sigmoid(x), [0, 0.26894142, 0.5, 0.7310586, 1, np.nan], rtol=1e-6)
    assert relu(x).dtype == sigmoid(x).dtype == np.float32


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no one layer"):
        Dense.of(drawn(3, 2), drawn(2))
    with pytest.raises(ValueError, match="no one layer"):
        Dense.of(drawn(3))
    with pytest.raises(ValueError, match="2 inputs"):
        dense(drawn(4, 3), drawn(3, 2))
