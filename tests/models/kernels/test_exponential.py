"""The exponential of compiled loops, and numbers of sixteen bits: numpy's and torch's."""

from __future__ import annotations

import numba
import numpy as np
import torch

from palate.models.kernels.exponential import exponential, narrowed, widened


@numba.njit
def powers(x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for at in range(len(x)):
        out[at] = exponential(x[at])
    return out


@numba.njit
def narrow(x: np.ndarray, out: np.ndarray) -> None:
    for at in range(len(x)):
        out[at] = narrowed(x[at])


@numba.njit
def wide(bits: np.ndarray, out: np.ndarray) -> None:
    for at in range(len(bits)):
        out[at] = widened(bits[at])


def test_it_is_that_of_double_precision() -> None:
    x = np.linspace(-87, 80, 200_001).astype(np.float32)
    np.testing.assert_allclose(powers(x), np.exp(x.astype(np.float64)), rtol=2e-7)


def test_edges() -> None:
    x = np.array([0, -np.inf, -88, -1e30, np.nan], np.float32)
    found = powers(x)
    assert found[:4].tolist() == [1, 0, 0, 0]
    assert np.isnan(found[4])


def test_bits_are_those_of_torch() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate((rng.normal(size=4000), [0, -0.0, 1 + 2**-8, 1 + 3 * 2**-8, 3e38, -1e-30]))
    x = x.astype(np.float32)
    expected = torch.from_numpy(x).to(torch.bfloat16)
    bits = np.empty(len(x), np.uint16)
    narrow(x, bits)
    np.testing.assert_array_equal(bits, expected.view(torch.int16).numpy().view(np.uint16))
    back = np.empty(len(x), np.float32)
    wide(bits, back)
    np.testing.assert_array_equal(back, expected.float().numpy())
