"""DKN's attention over clicked news and its last layer, compiled."""

from __future__ import annotations

import math

import numba
import numpy as np

__all__ = ["attend", "dkn_scores"]


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _answer(left, right, out):
    """Out . max(0, left + right)."""
    total = np.float32(0)
    for h in range(out.shape[0]):
        total += out[h] * max(left[h] + right[h], np.float32(0))
    return total


@numba.njit(cache=True, nogil=True)
def attend(products, item, clicked, layer, scale, weights):
    """Write the softmax of out . max(0, item + clicked_k) + scale * products_k.

    Args:
        products: (T,) float32 inner products of the item and each clicked news.
        item: (h,) float32, the item's half of the hidden layer, bias included.
        clicked: (T, h) float32, the other half.
        layer: (h,) float32 out.
        scale: float32.
        weights: (T,) float32, written.
    """
    n = clicked.shape[0]
    highest = np.float32(-np.inf)
    for k in range(n):
        weights[k] = _answer(item, clicked[k], layer) + scale * products[k]
        highest = max(highest, weights[k])
    total = np.float32(0)
    for k in range(n):
        weights[k] = math.exp(weights[k] - highest)
        total += weights[k]
    for k in range(n):
        weights[k] /= total


@numba.njit(cache=True, nogil=True)
def dkn_scores(products, items, clicked, outs, scale, scores):
    """Write out . max(0, item + sum a_k clicked_k) + scale * sum a_k products_k for each item.

    The user's vector is the sum of a_k times the k-th clicked one, and the layers are linear
    before their max: so nothing as wide as a vector is added up here.

    Args:
        products: (n_items, T) float32.
        items: two (n_items, h) float32: the items' halves of both hidden layers, with biases.
        clicked: two (T, h) float32: the others.
        outs: two (h,) float32.
        scale: float32.
        scores: (n_items,) float32, written.
    """
    n, h = clicked[1].shape
    weights = np.empty(n, np.float32)
    user = np.empty(h, np.float32)
    for i in range(scores.shape[0]):
        attend(products[i], items[0][i], clicked[0], outs[0], scale, weights)
        user[:] = 0
        product = np.float32(0)
        for k in range(n):
            product += weights[k] * products[i, k]
            for j in range(h):
                user[j] += weights[k] * clicked[1][k, j]
        scores[i] = _answer(items[1][i], user, outs[1]) + scale * product
