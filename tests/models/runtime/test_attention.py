"""Attention without torch equals torch's, for all places and for the last alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from palate.models.runtime.attention import causal_attention
from palate.models.runtime.dense import Dense


def layer(d: int) -> tuple[Dense, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(d)
    weights = rng.normal(size=(3 * d, d)).astype(np.float32)
    bias = rng.normal(size=3 * d).astype(np.float32)
    return Dense.of(weights, bias), weights, bias


@pytest.mark.parametrize(("length", "heads"), [(1, 1), (5, 2), (33, 4)])
def test_equals_torch(length: int, heads: int) -> None:
    d = 8
    made, weights, bias = layer(d)
    x = np.random.default_rng(1).normal(size=(3, length, d)).astype(np.float32)
    all_three = functional.linear(*(torch.from_numpy(part) for part in (x, weights, bias)))
    queries, keys, values = (
        part.view(3, length, heads, d // heads).transpose(1, 2) for part in all_three.chunk(3, -1)
    )
    expected = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    expected = expected.transpose(1, 2).reshape(3, length, d)
    got = causal_attention(x, made, heads=heads)
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)
    last = causal_attention(x, made, heads=heads, last_only=True)
    np.testing.assert_allclose(last, expected[:, -1:].numpy(), atol=1e-5)


def test_a_place_does_not_see_what_comes_later() -> None:
    made, _, _ = layer(4)
    x = np.random.default_rng(2).normal(size=(1, 6, 4)).astype(np.float32)
    changed = x.copy()
    changed[0, 4:] = 9.0
    before = causal_attention(x, made, heads=2)
    np.testing.assert_array_equal(before[0, :4], causal_attention(changed, made, heads=2)[0, :4])


def test_large_pulls_do_not_overflow() -> None:
    made, _, _ = layer(4)
    x = np.full((1, 3, 4), 1e4, np.float32)
    assert np.isfinite(causal_attention(x, made, heads=1)).all()
