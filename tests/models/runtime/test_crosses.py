"""Cross-product features: which entries there are, what they weigh, and where they fall."""

from __future__ import annotations

import numpy as np

from palate.features.columns import Encoded
from palate.models.runtime.crosses import crossed_rows

# Three fields of 2, 3 and 2 rows; the second may have several values.
ROWS = Encoded(
    indptr=np.array([0, 4, 5, 5, 8], np.int64),
    indices=np.array([0, 2, 4, 5, 1, 0, 2, 6], np.int32),
    weights=np.array([1.0, 0.5, 0.5, 3.0, 1.0, 1.0, 1.0, 2.0], np.float32),
    numbers=np.empty((4, 0), np.float32),
    offsets=np.array([0, 2, 5, 7], np.int64),
)
BUCKETS = 1 << 20


def crossed(*pairs: tuple[int, int], buckets: int = BUCKETS) -> Encoded:
    return crossed_rows(ROWS, np.array(pairs, np.int64).reshape(-1, 2), buckets)


def test_an_entry_for_each_pair_of_values() -> None:
    found = crossed((0, 1), (1, 2))
    np.testing.assert_array_equal(np.diff(found.indptr), [4, 0, 0, 2])
    np.testing.assert_array_equal(found.weights, [0.5, 0.5, 1.5, 1.5, 1.0, 2.0])
    np.testing.assert_array_equal(found.offsets, [0, BUCKETS])


def test_equal_pairs_of_values_fall_together_and_others_apart() -> None:
    found = crossed((0, 1))
    first, second, again = found.indices.tolist()
    assert first == again  # values 0 and 2, in the first row and the last
    assert first != second


def test_buckets_are_few_and_all_are_used() -> None:
    n = 4000
    rng = np.random.default_rng(0)
    indices = np.column_stack((rng.integers(0, 100, n), rng.integers(100, 200, n)))
    rows = Encoded(
        np.arange(0, 2 * n + 1, 2),
        indices.astype(np.int32).ravel(),
        np.ones(2 * n, np.float32),
        np.empty((n, 0), np.float32),
        np.array([0, 100, 200], np.int64),
    )
    found = crossed_rows(rows, np.array([[0, 1]], np.int64), 64)
    counts = np.bincount(found.indices, minlength=64)
    assert len(counts) == 64
    assert counts.min() > 0.5 * n / 64
    assert counts.max() < 1.7 * n / 64


def test_no_crosses_and_no_rows() -> None:
    assert len(crossed().indices) == 0
    none = Encoded(
        np.zeros(1, np.int64),
        np.empty(0, np.int32),
        np.empty(0, np.float32),
        np.empty((0, 0), np.float32),
        ROWS.offsets,
    )
    assert len(crossed_rows(none, np.array([[0, 1]], np.int64), 8)) == 0
