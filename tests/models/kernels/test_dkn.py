"""DKN's compiled scores equal the formula with vectors written out."""

from __future__ import annotations

import numpy as np

from palate.models.kernels.dkn import attend, dkn_scores

D, H, T, ITEMS = 5, 4, 3, 6


def test_equals_the_formula() -> None:
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    items, clicked = drawn(ITEMS, D), drawn(T, D)
    a_item, a_clicked, a_bias, a_out = drawn(H, D), drawn(H, D), drawn(H), drawn(H)
    p_item, p_user, p_bias, p_out = drawn(H, D), drawn(H, D), drawn(H), drawn(H)
    scale = np.float32(0.3)
    expected = []
    for item in items:
        hidden = np.maximum(a_item @ item + clicked @ a_clicked.T + a_bias, 0)
        pull = hidden @ a_out + scale * clicked @ item
        weights = np.exp(pull) / np.exp(pull).sum()
        user = weights @ clicked
        last = np.maximum(p_item @ item + p_user @ user + p_bias, 0)
        expected.append(p_out @ last + scale * user @ item)
    scores = np.empty(ITEMS, np.float32)
    halves = (items @ a_item.T + a_bias, items @ p_item.T + p_bias)
    seen = (clicked @ a_clicked.T, clicked @ p_user.T)
    dkn_scores(items @ clicked.T, halves, seen, (a_out, p_out), scale, scores)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_large_pulls_do_not_overflow() -> None:
    weights = np.empty(2, np.float32)
    none = np.zeros((2, 1), np.float32)
    products = np.array([1e6, -1e6], np.float32)
    attend(products, none[0], none, none[0], np.float32(1), weights)
    np.testing.assert_array_equal(weights, [1, 0])
