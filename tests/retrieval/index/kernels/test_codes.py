"""Products of bytes: of every width what plain integers give."""

from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.kernels.codes import byte_products


@pytest.mark.parametrize("width", [32, 64, 96])
def test_products_of_bytes_are_exact(width: int) -> None:
    rng = np.random.default_rng(width)
    codes = rng.integers(-127, 128, (40, width)).astype(np.int8)
    query = rng.integers(-127, 128, width).astype(np.int16)
    codes[7], query[:2] = 127, (127, -127)
    totals = np.full(10, -1, np.int32)
    byte_products(query, codes, 5, totals)
    assert totals.tolist() == (codes[5:15].astype(np.int64) @ query).tolist()
