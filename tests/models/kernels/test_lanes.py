"""Registers of float32 against numpy, operation by operation."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from palate.models.kernels.lanes import (
    LANES,
    above,
    first_bit,
    load,
    multiply_add,
    splat,
    store,
    store_four_totals,
    total,
)
from palate.types import Float32Array


@numba.njit
def combined(a, b, out):  # type: ignore[no-untyped-def]  # compiled
    """out[1, 3:3 + LANES] = 2 a[1, ...] + b[0, ...]; the sum of it."""
    found = multiply_add(splat(np.float32(2)), load(a, 1, 3), load(b, 0, 3))
    store(out, 1, 3, found)
    return total(found)


@numba.njit
def four(a, out):  # type: ignore[no-untyped-def]  # compiled
    """out[1, 2:6] = the sums of four rows of a."""
    store_four_totals(out, 1, 2, load(a, 0, 0), load(a, 1, 0), load(a, 2, 0), load(a, 3, 0))


@numba.njit
def higher(a, bound):  # type: ignore[no-untyped-def]  # compiled
    """Which lanes of the first row are above the bound."""
    return above(load(a, 0, 0), splat(bound))


@numba.njit
def lowest(bits):  # type: ignore[no-untyped-def]  # compiled
    return first_bit(bits)


def rows(n: int, width: int = LANES) -> Float32Array:
    """Small whole numbers, whose sums are exact in any order."""
    return np.random.default_rng(n).integers(-9, 10, (n, width)).astype(np.float32)


def test_a_place_in_a_row_is_read_and_written_and_nothing_else() -> None:
    a, b = rows(2, LANES + 5), rows(3, LANES + 5)
    out: Float32Array = np.zeros((3, LANES + 5), np.float32)
    expected = out.copy()
    expected[1, 3 : 3 + LANES] = 2 * a[1, 3 : 3 + LANES] + b[0, 3 : 3 + LANES]
    assert combined(a, b, out) == expected.sum()
    np.testing.assert_array_equal(out, expected)


def test_four_totals_come_in_their_order() -> None:
    a = rows(4)
    out: Float32Array = np.zeros((2, 8), np.float32)
    four(a, out)
    np.testing.assert_array_equal(out[1], [0, 0, *a.sum(axis=1), 0, 0])
    assert (out[0] == 0).all()


@pytest.mark.parametrize("lane", range(LANES))
def test_above_has_a_bit_for_each_lane(lane: int) -> None:
    a: Float32Array = np.zeros((1, LANES), np.float32)
    a[0, lane] = 1
    assert higher(a, np.float32(0)) == 1 << lane
    assert lowest(1 << lane) == lane


def test_nan_and_equals_are_not_above() -> None:
    a: Float32Array = np.full((1, LANES), np.nan, np.float32)
    a[0, ::2] = 3
    assert higher(a, np.float32(3)) == 0
    assert higher(a, np.float32(np.nan)) == 0


def test_the_lowest_of_several_bits() -> None:
    assert lowest(0b101000) == 3


def test_other_arrays_are_refused() -> None:
    with pytest.raises(numba.TypingError):
        higher(np.zeros((1, LANES)), np.float32(0))
