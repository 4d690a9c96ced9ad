"""Cross-product features: each pair of two columns' values in a row is a feature of its own."""

from __future__ import annotations

import numpy as np

from palate.features.columns import Encoded
from palate.models.kernels.crosses import count_crosses, fill_crosses
from palate.types import Int64Array

__all__ = ["crossed_rows"]


def crossed_rows(rows: Encoded, pairs: Int64Array, buckets: int) -> Encoded:
    """The crosses of each row, hashed.

    Cheng et al. 2016, equation 1, for two columns at a time: an entry for each pair of their
    entries, its weight the product of theirs. A pair's bucket depends on the two values alone.

    Args:
        rows: n of them.
        pairs: (c, 2) the two fields of each cross.
        buckets: Rows that all crosses share; two pairs of values may fall into one.

    Returns:
        n rows of one field with `buckets` rows, and without numbers.
    """
    known = (rows.indptr, rows.indices, rows.offsets)
    indptr = np.empty(len(rows) + 1, np.int64)
    count_crosses(known, pairs, indptr)
    indices = np.empty(indptr[-1], np.int32)
    weights = np.empty(indptr[-1], np.float32)
    fill_crosses(known, rows.weights, pairs, buckets, indices, weights)
    numbers = np.empty((len(rows), 0), np.float32)
    return Encoded(indptr, indices, weights, numbers, np.array([0, buckets], np.int64))
