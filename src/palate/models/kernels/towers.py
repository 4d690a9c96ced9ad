"""Dense layers over each pair of a user and an item, compiled: the second half of NCF's MLP."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.inner import PANEL, four_users, one_user

__all__ = ["tower_scores"]


@numba.njit(cache=True, nogil=True)
def tower_scores(users, panels, weights, biases, widths, last, out):
    """Add last . a(W_L(.. a(W_1 a(users[u] + items[i]) + b_1) ..) + b_L) to out[u, i].

    a is max(0, .). Sixteen items go through all layers side by side, within the first cache;
    the result of a pair does not depend on the pairs around it.

    Args:
        users: (n, widths[0]) float32, with the first layer's bias.
        panels: What `panels_of` made of the items, (n_items, widths[0]).
        weights: (L, m, k) float32 with m a multiple of 4; layer l is weights[l, :widths[l + 1],
            :widths[l]], and zeros are around it.
        biases: (L, m) float32.
        widths: (L + 1,) int64.
        last: (1, widths[L]) float32.
        out: (n, n_items) float32.
    """
    n, n_items = out.shape
    first = widths[0]
    room = max(weights.shape[1], first)
    one, other = np.empty((room, PANEL), np.float32), np.empty((room, PANEL), np.float32)
    found = np.empty((1, PANEL), np.float32)
    zero = np.float32(0)
    for left in range(0, n_items, PANEL):
        base = left // PANEL * first
        width = min(PANEL, n_items - left)
        for u in range(n):
            for k in range(first):
                x = users[u, k]
                for j in range(PANEL):
                    one[k, j] = max(zero, panels[base + k, j] + x)
            for layer in range(len(widths) - 1):
                w = weights[layer, :, : widths[layer]]
                for r in range(0, widths[layer + 1], 4):
                    four_users(w, r, one, 0, other, r, 0)
                for r in range(widths[layer + 1]):
                    b = biases[layer, r]
                    for j in range(PANEL):
                        other[r, j] = max(zero, other[r, j] + b)
                one, other = other, one
            one_user(last, 0, one, 0, found, 0, 0)
            for j in range(width):
                out[u, left + j] += found[0, j]
