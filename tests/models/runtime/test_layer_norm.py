"""Layer normalisation without torch equals torch's."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from palate.models.runtime.layer_norm import layer_norm


def test_equals_torch() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 5.0, (4, 7, 6)).astype(np.float32)
    gain, bias = rng.normal(size=(2, 6)).astype(np.float32)
    tensors = (torch.from_numpy(gain), torch.from_numpy(bias))
    expected = functional.layer_norm(torch.from_numpy(x), (6,), *tensors)
    got = layer_norm(x, gain, bias)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)


def test_a_vector_without_spread_becomes_the_bias() -> None:
    x = np.full((1, 3), 7.0, np.float32)
    bias = np.array([1.0, 2.0, 3.0], np.float32)
    np.testing.assert_array_equal(layer_norm(x, np.ones(3, np.float32), bias), bias[None])


def test_what_is_given_stays_as_it_is() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    kept = x.copy()
    layer_norm(x, np.ones(3, np.float32), np.zeros(3, np.float32))
    np.testing.assert_array_equal(x, kept)
