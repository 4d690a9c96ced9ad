"""Vectors are checked before an index is changed."""

from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.retrieval.index.vectors import checked, of_length_one


def test_what_is_wrong_is_named() -> None:
    vectors = np.zeros((3, 2), np.float32)
    assert checked(vectors, 2, "vector") is vectors
    with pytest.raises(DataError, match=r"shape \(n, 4\).*\(3, 2\)"):
        checked(vectors, 4, "vector")
    vectors[1, 1] = np.inf
    with pytest.raises(DataError, match="query 1 has a number that is not finite"):
        checked(vectors, 2, "query")


def test_great_numbers_are_finite() -> None:
    vectors = np.full((4, 2), np.finfo(np.float32).max, np.float32)
    assert checked(vectors, 2, "vector") is vectors


def test_length_one_and_nothing() -> None:
    found = of_length_one(np.array([[3.0, 4.0], [0.0, 0.0], [1e30, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0], [1.0, 0.0]], rtol=1e-6)
