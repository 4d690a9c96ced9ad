"""e^x of float32 numbers, eight or sixteen at a time: numba's own is one call of libm a number."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["exponential", "narrowed", "widened"]

PER_LOG2 = np.float32(1.4426950408889634)
LN2_HIGH = np.float32(0.693359375)  # few bits, so that its multiples are exact
LN2_LOW = np.float32(-2.12194440e-4)
TO_WHOLE = np.float32(12582912.0)  # 1.5 * 2^23: a small number added to it is rounded
LEAST = np.float32(-87.0)  # below, e^x is 0 here; above, it is a normal number
C2, C3, C4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
C5, C6, C7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
ONE, ZERO = np.float32(1.0), np.float32(0.0)
BITS, HALF, ODD = np.uint32(16), np.uint32(0x7FFF), np.uint32(1)
MANTISSA = np.int32(23)


# Without leave to reorder: the rounding by TO_WHOLE must not be cancelled.
@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def exponential(x):
    """e^x, float32, x <= 80, to 2e-7 of its value; 0 below -87, NaN of NaN.

    2^n e^r with x = n ln 2 + r, |r| <= ln 2 / 2; the polynomial is Cephes' expf.
    """
    shifted = x * PER_LOG2 + TO_WHOLE
    whole = shifted - TO_WHOLE
    rest = (x - whole * LN2_HIGH) - whole * LN2_LOW
    series = ((((C7 * rest + C6) * rest + C5) * rest + C4) * rest + C3) * rest + C2
    root = series * rest * rest + rest + ONE
    # The low bits of `shifted` are n: they are added to the exponent.
    power = np.int32(np.float32(shifted).view(np.int32) << MANTISSA)
    found = np.int32(np.float32(root).view(np.int32) + power).view(np.float32)
    return ZERO if x < LEAST else found


@numba.njit(cache=True, nogil=True)
def widened(bits):
    """The float32 of a bfloat16's 16 bits."""
    return np.uint32(np.uint32(bits) << BITS).view(np.float32)


@numba.njit(cache=True, nogil=True)
def narrowed(x):
    """The 16 bits of the nearest bfloat16, ties to even; of a finite number."""
    raw = np.float32(x).view(np.uint32)
    return np.uint16((raw + HALF + ((raw >> BITS) & ODD)) >> BITS)
