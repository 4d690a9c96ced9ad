"""Convolution and maximum without torch equal torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from palate.models.runtime.convolution import convolution_layer, convolve_max


@pytest.mark.parametrize("spans", [(1,), (2, 3), (5,)])
def test_equals_torch(spans: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 5, 4)).astype(np.float32)
    layers, expected = [], []
    for span in spans:
        weight = rng.normal(size=(6, 4, span)).astype(np.float32)
        bias = rng.normal(size=6).astype(np.float32)
        layers.append(convolution_layer(weight, bias))
        turned = torch.from_numpy(x.transpose(0, 2, 1).copy())
        answers = functional.conv1d(turned, torch.from_numpy(weight), torch.from_numpy(bias))
        expected.append(functional.relu(answers).amax(2).numpy())
    got = convolve_max(x, layers)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.concatenate(expected, axis=1), atol=1e-5)


def test_by_hand() -> None:
    x = np.array([[[1.0], [2.0], [-4.0]]], np.float32)
    layer = convolution_layer(
        np.array([[[1.0, 1.0]], [[-1.0, 0.0]]], np.float32), np.zeros(2, np.float32)
    )
    np.testing.assert_array_equal(convolve_max(x, [layer]), [[3.0, 0.0]])


def test_no_titles() -> None:
    layer = convolution_layer(np.ones((2, 3, 1), np.float32), np.zeros(2, np.float32))
    assert convolve_max(np.empty((0, 4, 3), np.float32), [layer]).shape == (0, 2)
