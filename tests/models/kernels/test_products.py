"""Products of columns, dense and sparse, against the matrix product."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from palate.models.kernels.products import dense_products, sparse_products
from palate.models.pairs import Side


def sides(x: np.ndarray) -> tuple[Side, Side]:
    def side(m: np.ndarray) -> Side:
        s = csr_array(m)
        return s.indptr.astype(np.int64), s.indices.astype(np.int32), s.data.astype(np.float64)

    return side(x), side(x.T)


@pytest.mark.parametrize("shape", [(1, 1), (30, 7), (5, 90)])
def test_equal_the_matrix_product(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape[0])
    x = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.4)
    by_user, by_item = sides(x)
    n = shape[1]
    for start, stop in ((0, n), (n // 2, n)):
        expected = (x.T @ x)[start:stop].astype(float)
        out = np.full((stop - start, n), np.nan)
        dense_products(start, stop, by_user, by_item, out)
        np.testing.assert_array_equal(out, expected)
        rows, columns, values = sparse_products(start, stop, by_user, by_item)
        assert csr_array((values, columns, rows), shape=out.shape).toarray().tolist() == (
            expected.tolist()
        )
        for i in range(stop - start):
            part = columns[rows[i] : rows[i + 1]]
            assert len(set(part.tolist())) == len(part)


def test_more_products_than_the_first_buffer_holds() -> None:
    by_user, by_item = sides(np.ones((1, 60)))
    rows, _, values = sparse_products(0, 60, by_user, by_item)
    assert len(values) == 3600
    assert (values == 1).all()
    assert rows[-1] == 3600
